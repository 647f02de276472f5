/** @file src/core/text.h
 * Text that comes from a file or from a user, on its way to a terminal or a log: whatever is in it, it stays
 * one line and moves no cursor. Pure; any thread.
 *
 * What a program prints goes through bp__text_line(), bp__text_print() or bp__text_put(), JSON through json.h, a cell of a CSV
 * file through bp__text_csv(): printf() is for numbers and for texts that are constants (tests/lint/text.sh).
 */
#ifndef BP_CORE_TEXT_H
#define BP_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Bytes of the UTF-8 sequence at `s`; 0 if it is none: overlong, a surrogate, beyond U+10FFFF, cut off. */
int bp__utf8_length(const char *s);

/** Whether the character at `text` is one that is not seen but does something: C0, DEL, C1, the end of a line or a
 *  paragraph, or a mark that turns the direction of what follows. */
bool bp__is_control(const char *text);

/** Print a text. Each byte of a control character, and each that is not UTF-8, becomes '?'. */
void bp__text_put(FILE *file, const char *text);

/** Print a formatted text in the same way. A line break in it becomes '?' as well. */
__attribute__((format(printf, 2, 3))) void bp__text_print(FILE *file, const char *fmt, ...);

/** The same, and end the line. */
__attribute__((format(printf, 2, 3))) void bp__text_line(FILE *file, const char *fmt, ...);

/** Write a text as a cell of a CSV file: in quotes where a comma, a quote or a line break is in it. Data: nothing in it is
 *  replaced. */
void bp__text_csv(FILE *file, const char *text);

/** Make a text printable in place. @return `text` */
char *bp__text_clean(char *text);

/** Copy as much of a text as there is room for, and no part of a character. @return `to` */
char *bp__text_copy(char *to, size_t size, const char *from);

/** The first line of a text that may have several, with " ..." behind it if it has. @return `line` */
char *bp__text_first_line(const char *text, char *line, size_t size);

/** Columns that a text takes up on a terminal, counting one for each character. */
int bp__text_width(const char *text);

/** A whole number in decimal digits, and K, M, G or T behind it if it may be one of bytes. @return false if it is none */
bool bp__whole_from(const char *text, bool of_bytes, int64_t *number);

/** "12.3 MiB". @return `text` */
const char *bp__bytes_text(uint64_t bytes, char text[32]);

#endif
