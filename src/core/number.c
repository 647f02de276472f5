#include "core/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a text that was read as 0 says so: digits before the exponent, all of them 0. */
static bool is_zero(const char *text)
{
    return strcspn(text, "123456789") >= strcspn(text, "eE");
}

bool bp__number_from(const char *text, size_t length, double *number)
{
    char copy[64], *end;
    /* this rules out what strtod() would take but nobody means: blanks, hexadecimal, inf, nan */
    if (length == 0 || length >= sizeof copy || strspn(text, "+-.0123456789eE") < length) return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    double x = strtod(copy, &end);
    if (*end || !isfinite(x) || (x == 0 && !is_zero(copy))) return false;
    *number = x + 0.0; /* -0 becomes 0, which would otherwise be a different text in a result file */
    return true;
}

const char *bp__number_text(double x, char text[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, x);
        if (strtod(text, NULL) == x) break;
    }
    return text;
}
