/** @file src/core/number.h
 * Decimal numbers as text, and back. Pure; any thread.
 */
#ifndef BP_CORE_NUMBER_H
#define BP_CORE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/** The shortest decimal number that reads back as `x`. @return `text` */
const char *bp__number_text(double x, char text[32]);

/** Read a finite decimal number of `length` bytes and nothing else: no blanks, no hexadecimal. Never -0.
 *  @return false if the text is not such a number, or is one so small that a double would be 0 */
bool bp__number_from(const char *text, size_t length, double *number);

#endif
