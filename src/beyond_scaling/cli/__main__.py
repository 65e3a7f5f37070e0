"""`python -m beyond_scaling.cli`, also under torchrun."""

from . import main

if __name__ == "__main__":
    raise SystemExit(main())
