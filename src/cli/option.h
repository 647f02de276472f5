/** @file src/cli/option.h
 * Options of a command line as a table: one row serves the parser, `--help`, the man page and the completion of the
 * shell. To add an option: a row in its program's table. Commands may have different options of one name.
 */
#ifndef BP_CLI_OPTION_H
#define BP_CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/status.h"

typedef struct bp__option bp__option;
struct bp__option {
    const char *name;  /**< without its dashes; NULL: the row is a heading, and `help` is its text */
    const char *value; /**< what its value is called; NULL: it takes none */
    unsigned uses;     /**< bits of the commands that take it; a heading needs none */
    /** Store the value in the program's own struct; the text of a failure begins with the option. NULL with a heading.
     *  @param[in] value  NULL where there is none */
    bp_status (*set)(void *target, const bp__option *option, const char *value);
    size_t at;        /**< for `set`: where in that struct, or which */
    const char *help; /**< a sentence or two without the last full stop; NULL: an option that is not shown */
    const char *more; /**< further sentences for the man page, or NULL */
    void (*choices)(FILE *file); /**< print the words that complete its value, or NULL */
    bool may_lack_value; /**< the value may be left out; what follows is one unless it begins with a dash */
    bool ends;           /**< whatever follows does not matter, as with --help */
};

/* Ready-made `set`: the type of what lies at option->at in the target. */
bp_status bp__set_flag(void *target, const bp__option *option, const char *value); /**< bool: true */
bp_status bp__set_text(void *target, const bp__option *option,
                       const char *value); /**< const char *: borrowed */
bp_status bp__set_number(void *target, const bp__option *option, const char *value); /**< double: finite */
bp_status bp__set_seconds(void *target, const bp__option *option,
                          const char *value); /**< double: 0 to 10^6 */
bp_status bp__set_count(void *target, const bp__option *option,
                        const char *value); /**< uint64_t: from 0 on */
bp_status bp__set_bytes(void *target, const bp__option *option,
                        const char *value); /**< uint64_t: from 0 on, "64M" as well */

/** A whole number of `length` decimal digits. @return false if it is none, or more than fits */
bool bp__count_from(const char *text, size_t length, uint64_t *number);

/** Read the options of one command; long ones may be cut short where that is unambiguous.
 *
 * @param[in]     what      how errors name the command: "optimizer merge"
 * @param[in]     use       its bit
 * @param[in,out] argv      permuted: options first; argv[0] is passed over
 * @param[out]    rest      index of the first argument that is no option
 * @retval BP_EINVAL  unknown, ambiguous, a value that is missing or wrong; the text names the option
 * @retval any        of a row's `set` */
bp_status bp__options_read(const bp__option *option, size_t count, const char *what, unsigned use, int argc,
                           char **argv, void *target, int *rest);

/** For people: headings and options of one command, wrapped for a terminal of 100 columns. */
void bp__options_help(FILE *file, const bp__option *option, size_t count, unsigned use);

/** A text in the language of man(7): with dashes that can be copied. It must not begin with a dot. */
void bp__man_text(FILE *file, const char *text);

/** Headings and options in that language, of the commands of several bits. */
void bp__options_man(FILE *file, const bp__option *option, size_t count, unsigned uses);

/** Cases of a bash completion that complete the values of options. */
void bp__options_completion(FILE *file, const bp__option *option, size_t count);

/** The names with their dashes, separated by blanks. */
void bp__options_names(FILE *file, const bp__option *option, size_t count, unsigned use);

/** Print a paragraph from column `column` on, its further lines from `indent` on. Breaks at blanks, before the 100th
 *  column. */
void bp__wrap(FILE *file, const char *text, int column, int indent);

#endif
