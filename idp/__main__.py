"""`python -m idp`: hands over to the command line."""

from idp.cli import main

if __name__ == "__main__":
    main()
