/** @file src/core/fault.h
 * Faults that tests switch on to see that they are noticed: BUNDLEPOOL_FAULT names one. Never set it
 * otherwise.
 */
#ifndef BP_CORE_FAULT_H
#define BP_CORE_FAULT_H

#include <stdbool.h>

typedef enum bp__fault {
    BP__FAULT_EARLY_ACK,      /**< "early_ack": a node answers SYNC for the nodes below it before they have */
    BP__FAULT_NO_SECOND_LOOK, /**< "no_second_look": a load does not look whether its file has changed
                                 meanwhile */
} bp__fault;

/** Whether a fault is switched on in this process. */
bool bp__fault_is_on(bp__fault fault);

#endif
