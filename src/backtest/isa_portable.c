#define BP__ISA 0
#include "backtest/bands_run.h"
#include "backtest/bits_run.h"
#include "backtest/crossings_run.h"
#include "backtest/lanes_run.h"
#include "backtest/moving_run.h"
