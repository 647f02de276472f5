#if defined(__x86_64__)
#define BP__ISA 512
#define BP__NARROW
#include "backtest/lanes_run.h"
#endif
