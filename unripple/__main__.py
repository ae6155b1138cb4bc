"""`python -m unripple` is `unripple`."""

import sys

from unripple.cli.main import main

sys.exit(main())
