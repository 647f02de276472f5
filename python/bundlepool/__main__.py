"""`python3 -m bundlepool`"""

import sys

from bundlepool.cli import main

sys.exit(main())
