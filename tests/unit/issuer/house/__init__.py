"""A house for tests: real store, profile, composer and HSMs; machines that a test scripts."""
