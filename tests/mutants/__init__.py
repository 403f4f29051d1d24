"""Mutation tests: whether a test fails once one small thing in the code is wrong.

`make mutants` changes the code in memory, one thing at a time, and runs the tests that should
notice. No file is ever written, so one may work on in the checkout meanwhile.
"""
