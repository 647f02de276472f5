/** @file src/search/expr.h
 * Expressions over numbers that have names: what --where, --having and --objective take.
 *
 *     condition  = conjunction { "or" conjunction }
 *     conjunction = negation { "and" negation }
 *     negation   = "not" negation | comparison
 *     comparison = sum [ ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) sum ]
 *     sum        = product { ( "+" | "-" ) product }
 *     product    = factor { ( "*" | "/" ) factor }
 *     factor     = ( "+" | "-" ) factor | number | name | "(" condition ")"
 *
 * Arithmetic is that of C's double. A comparison is 1 or 0; one with NaN is 0, != included. `and`, `or` and
 * `not` take for true what is neither 0 nor NaN. Comparisons do not chain: a < b < c means one thing in C and
 * another in Python. A name that stands for one of several words can be compared by == and != with such a
 * word, which may be in quotes.
 *
 * A text is translated once and evaluated for each combination. Length, depth and stack are limited, so that
 * no text can take more than a moment. Pure; an expression is read-only.
 */
#ifndef BP_SEARCH_EXPR_H
#define BP_SEARCH_EXPR_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

#define BP__EXPR_MAX 1000 /**< bytes of a text */

/** A name that an expression may use. Its number in the list says where its value is. */
typedef struct bp__expr_name {
    const char *name;
    const char *const
        *words; /**< NULL-terminated: its value is the number of one of them; NULL: it is a number */
} bp__expr_name;

typedef struct bp__expr bp__expr;

/** Translate a text.
 *
 * @param[in]  option  what failures begin with: "--where"
 * @param[in]  name    [count] not used later; of two that are equal the first one is meant. NULL: any name
 *                     will do, only to see whether the rest is right; such an expression has no value
 * @param[out] expr    owned: bp__expr_destroy(); NULL on failure
 *
 * @retval BP_EINVAL  the text names the column and what is wrong there, and lists the names where one is
 *                    unknown
 * @retval BP_ENOMEM */
bp_status bp__expr_create(const char *option, const char *text, const bp__expr_name *name, size_t count,
                          bp__expr **expr);
void bp__expr_destroy(bp__expr **expr); /**< NULL inside is allowed */

/** @param[in] value  [count of the list] */
double bp__expr_value(const bp__expr *expr, const double *value);

/** Whether its value is neither 0 nor NaN. */
bool bp__expr_holds(const bp__expr *expr, const double *value);

/** Whether it says something that is true or not, rather than a number. */
bool bp__expr_is_condition(const bp__expr *expr);

/** Whether it uses the value of that number. */
bool bp__expr_uses(const bp__expr *expr, size_t number);

/** The same text for expressions that differ in blanks and in how numbers are written. */
const char *bp__expr_text(const bp__expr *expr);

#endif
