"""The benchmarks of Threadline: `python -m bench [rows...]`; bench/README.md says what each row is."""
