#include "io/ingest/cell.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "core/number.h"

#define MAX_TEXT 64

const double bp__ten_to_the[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

bool bp__cell_is_missing(const bp__csv_field *field)
{
    static const char *const words[] = {"-", "--", "null", "na", "n/a", "none", "nan", "#n/a", "<na>", "nil"};
    if (field->size == 0) return true;
    if (field->size > 4) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == field->size && strncasecmp(field->text, words[i], field->size) == 0)
            return true;
    return false;
}

/* Numbers that take a closer look ---------------------------------------------------------------- */

typedef struct shape {
    int points, commas;
    char last; /* of the two marks, the one that comes last */
} shape;

static shape shape_of(const char *text)
{
    shape s = {0};
    for (; *text; text++) {
        if (*text == '.') s.points++, s.last = '.';
        if (*text == ',') s.commas++, s.last = ',';
    }
    return s;
}

/* 1..3 digits, no 0 first, then groups of three that each begin with the mark; ends at `point` or at the
 * end. */
static bool is_grouped(const char *text, char mark, char point)
{
    size_t n = strspn(text, "0123456789");
    if (n < 1 || n > 3 || *text == '0') return false;
    for (text += n; *text == mark; text += 4)
        if (strspn(text + 1, "0123456789") < 3) return false;
    return *text == '\0' || (*text == point && text[1 + strspn(text + 1, "0123456789")] == '\0');
}

static void ungroup(char *text, char mark, char point)
{
    char *to = text;
    for (; *text; text++)
        if (*text != mark) *to++ = *text == point ? '.' : *text;
    *to = '\0';
}

/* The file shows which mark is the decimal one. @return false: it showed another one before */
static bool settle(bp__numbers *how, char point)
{
    if (how->volume_groups == point) return false;
    if (how->point == 0) how->point = point;
    return how->point == point && (how->assumed == 0 || how->assumed == point);
}

static bool assume(bp__numbers *how, char point, uint64_t line)
{
    if (how->assumed == 0) how->assumed = point, how->assumed_line = line;
    return how->assumed == point;
}

/* Which mark is the decimal one in a number with both, or with one of them, and whether the other groups
 * digits. */
static bp__cell choose_point(bp__numbers *how, const char *text, bool volume, uint64_t line, char *point)
{
    const shape s = shape_of(text);
    const char mark = s.last, other = mark == '.' ? ',' : '.';
    const int count = mark == '.' ? s.points : s.commas;
    if (s.points > 0 && s.commas > 0) { /* "1,234.5" */
        if (count > 1 || !is_grouped(text, other, mark)) return BP__CELL_BAD;
        how->grouped = true;
        *point = mark;
        return settle(how, mark) ? BP__CELL_NUMBER : BP__CELL_UNCLEAR;
    }
    const bool groups = is_grouped(text, mark, other);
    if (count > 1) { /* "1,234,567" */
        if (!groups) return BP__CELL_BAD;
        how->grouped = true;
        *point = other;
        return settle(how, other) ? BP__CELL_NUMBER : BP__CELL_UNCLEAR;
    }
    if (how->point == mark || !groups) { /* "1,2345", or "1,234" where commas are known to be decimal */
        *point = mark;
        return settle(how, mark)            ? BP__CELL_NUMBER
               : how->commas && mark == ',' ? BP__CELL_BAD
                                            : BP__CELL_UNCLEAR;
    }
    if (how->point == other) { /* "1,234" where points are */
        *point = other;
        if (!volume && !how->grouped_line) how->grouped_line = line;
        return BP__CELL_NUMBER;
    }
    if (volume && how->volume_groups == mark) { /* "1.000" shares, not one and no thousandths */
        *point = other;
        if (!how->grouped_line) how->grouped_line = line;
        return BP__CELL_NUMBER;
    }
    *point = mark;
    return assume(how, mark, line) ? BP__CELL_NUMBER : BP__CELL_UNCLEAR;
}

bool bp__cell_grouping(const bp__csv_field *field, char *mark)
{
    char text[MAX_TEXT];
    *mark = '\0';
    if (field->size >= sizeof text || bp__cell_is_missing(field)) return true;
    memcpy(text, field->text, field->size);
    text[field->size] = '\0';
    const shape s = shape_of(text);
    *mark = s.last;
    return s.last == '\0' || is_grouped(text, s.last, '\0');
}

static double suffix_of(char *text)
{
    const size_t n = strlen(text);
    const char last =
        n > 1 && isdigit((unsigned char)text[n - 2]) ? (char)toupper((unsigned char)text[n - 1]) : '\0';
    const double unit = last == 'K' ? 1e3 : last == 'M' ? 1e6 : last == 'B' ? 1e9 : 1;
    if (unit > 1) text[n - 1] = '\0';
    return unit;
}

/* Without a sign or the sign of a currency in front; the sign of the number. */
static const char *strip_front(const char *text, double *sign)
{
    static const char *const currencies[] = {"$", "\xe2\x82\xac", "\xc2\xa3",
                                             "\xc2\xa5"}; /* dollar, euro, pound, yen */
    *sign = *text == '-' ? -1 : 1;
    if (*text == '-' || *text == '+') text++;
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++)
        if (strncmp(text, currencies[i], strlen(currencies[i])) == 0) return text + strlen(currencies[i]);
    return text;
}

static bp__cell read_other(bp__numbers *how, const bp__csv_field *f, bool volume, uint64_t line,
                           double *value, int *decimals)
{
    char buffer[MAX_TEXT];
    if (bp__cell_is_missing(f)) return BP__CELL_MISSING;
    if (f->size >= sizeof buffer) return BP__CELL_BAD;
    memcpy(buffer, f->text, f->size);
    buffer[f->size] = '\0';
    double sign, unit = volume ? suffix_of(buffer) : 1;
    char *text = buffer + (strip_front(buffer, &sign) - buffer);
    if (!is_digit(*text) && *text != '.' && *text != ',') return BP__CELL_BAD; /* one sign is enough */
    char point = '.';
    if (strchr(text, ',') || (!how->commas && strchr(text, '.'))) {
        const bp__cell chosen = choose_point(how, text, volume, line, &point);
        if (chosen != BP__CELL_NUMBER) return chosen;
        ungroup(text, point == '.' ? ',' : '.', point);
    }
    if (!bp__number_from(text, strlen(text), value)) return BP__CELL_BAD;
    const char *mark = strchr(text, '.');
    *decimals = mark ? (int)strspn(mark + 1, "0123456789") : 0;
    *value *= sign * unit;
    return isfinite(*value) ? BP__CELL_NUMBER : BP__CELL_BAD;
}

bp__cell bp__cell_number(bp__numbers *how, const bp__csv_field *field, bool volume, uint64_t line,
                         double *value, int *decimals)
{
    if (how->commas) how->point = '.';
    /* where the mark is not known yet, only numbers without one are plain */
    if (bp__cell_plain(field->text, how->point, value, decimals) == field->text + field->size)
        return BP__CELL_NUMBER;
    *value = NAN;
    *decimals = 0;
    const bp__cell kind = read_other(how, field, volume, line, value, decimals);
    if (kind != BP__CELL_NUMBER) *value = NAN;
    return kind;
}

/* Where the second number of "2:1", "2/1" or "2-for-1" begins. @param[out] first  bytes of the first; @return 0 */
static uint32_t find_second(const bp__csv_field *f, uint32_t *first)
{
    for (*first = 1; *first + 1 < f->size; (*first)++) {
        const char *mark = f->text + *first;
        if (*first + 5 < f->size && strncasecmp(mark, "-for-", 5) == 0) return *first + 5;
        if (*mark == ':' || *mark == '/') return *first + 1;
    }
    return 0;
}

bool bp__cell_is_ratio(const bp__csv_field *field)
{
    uint32_t n;
    return !bp__cell_is_missing(field) && find_second(field, &n) > 0;
}

bp__cell bp__cell_ratio(bp__numbers *how, const bp__csv_field *field, uint64_t line, double *value)
{
    int decimals;
    double a, b;
    uint32_t n;
    const uint32_t behind = find_second(field, &n);
    if (behind == 0 || bp__cell_is_missing(field)) /* "N/A" */
        return bp__cell_number(how, field, false, line, value, &decimals);
    const bp__csv_field first = {field->text, n, field->quoted},
                        second = {field->text + behind, field->size - behind, field->quoted};
    if (bp__cell_number(how, &first, false, line, &a, &decimals) != BP__CELL_NUMBER ||
        bp__cell_number(how, &second, false, line, &b, &decimals) != BP__CELL_NUMBER || !(a > 0) || !(b > 0))
        return BP__CELL_BAD;
    *value = a / b;
    return *value > 0 && isfinite(*value) ? BP__CELL_NUMBER : BP__CELL_BAD; /* 1:1e-320 */
}

uint64_t bp__numbers_unsettled(const bp__numbers *how)
{
    if (how->assumed && how->point == 0) return how->assumed_line;
    return how->grouped_line && !how->grouped ? how->grouped_line : 0;
}
