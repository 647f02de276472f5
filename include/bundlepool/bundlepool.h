/** @file bundlepool.h
 * Umbrella header of the bundle pool. status.h, config.h and bundle.h need no MPI; pool.h does. */
#ifndef BUNDLEPOOL_BUNDLEPOOL_H
#define BUNDLEPOOL_BUNDLEPOOL_H

#include <bundlepool/bundle.h>
#include <bundlepool/config.h>
#include <bundlepool/pool.h>
#include <bundlepool/status.h>

#endif
