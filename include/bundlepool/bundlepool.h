/** @file bundlepool.h
 * Umbrella header of the bundle pool. Only pool.h needs MPI. */
#ifndef BUNDLEPOOL_BUNDLEPOOL_H
#define BUNDLEPOOL_BUNDLEPOOL_H

#include <bundlepool/bundle.h>
#include <bundlepool/config.h>
#include <bundlepool/pool.h>
#include <bundlepool/reader.h>
#include <bundlepool/stats.h>
#include <bundlepool/status.h>
#include <bundlepool/version.h>

#endif
