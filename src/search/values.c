#include "search/values.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"

#define BLANKS " \t\r\n"

/* What is read, and from where. */
typedef struct reader {
    const char *option;
    const bp_param *param;
    const char *file; /* NULL: from the option itself */
    uint64_t line;
    double *value; /* [count], with room for more */
    uint64_t count, room;
} reader;

/* Failures -------------------------------------------------------------------------------------- */

/* What a failure begins with. @return `text` */
static const char *where(const reader *r, char text[320])
{
    if (!r->file)
        snprintf(text, 320, "--param %.80s", r->option);
    else
        snprintf(text, 320, "--param %s: %.200s:%" PRIu64, r->param->name, r->file, r->line);
    return text;
}

#define WHERE(reader) where((reader), (char[320]){0})

static int shown(size_t length)
{
    return length < 40 ? (int)length : 40;
}

static bp_status no_memory(const reader *r)
{
    BP_FAIL(BP_ENOMEM, "%s: no memory for its values", WHERE(r));
}

static bp_status too_many(const reader *r)
{
    BP_FAIL(BP_EINVAL, "%s: that makes more than %" PRIu64 " combinations; search in several runs", WHERE(r),
            BP__VALUES_MAX);
}

static bp_status unreadable(const reader *r, const char *item, size_t length)
{
    BP_FAIL(BP_EINVAL,
            "%s: '%.*s' is not a number; write name=VALUE, name=A,B,C, name=FROM:TO:STEP, name=log:FROM:TO:N "
            "or name=@FILE",
            WHERE(r), shown(length), item);
}

static bp_status not_a_word(const reader *r, const char *item, size_t length)
{
    char words[200] = "";
    for (size_t i = 0; r->param->words[i]; i++) {
        const size_t used = strlen(words);
        snprintf(words + used, sizeof words - used, "%s%s", i ? ", " : "", r->param->words[i]);
    }
    BP_FAIL(BP_EINVAL, "%s: '%.*s' is no value of %s, choose from %s", WHERE(r), shown(length), item,
            r->param->name, words);
}

/* Single values --------------------------------------------------------------------------------- */

/* A number that the parameter may have becomes one of the values. */
static bp_status add(reader *r, double x)
{
    const bp_param *p = r->param;
    char number[32], min[32], max[32];
    if (p->kind == BP_PARAM_INTEGER && x != floor(x))
        BP_FAIL(BP_EINVAL, "%s: %s takes whole numbers, and %s is not one", WHERE(r), p->name,
                bp__number_text(x, number));
    if (p->kind != BP_PARAM_WORD && !(x >= p->min && x <= p->max))
        BP_FAIL(BP_EINVAL, "%s: %s is out of range; %s takes %s to %s", WHERE(r), bp__number_text(x, number),
                p->name, bp__number_text(p->min, min), bp__number_text(p->max, max));
    if (r->count == BP__VALUES_MAX) return too_many(r);
    if (r->count == r->room) {
        const uint64_t room = r->room ? 2 * r->room : 64;
        double *value = realloc(r->value, room * sizeof *value);
        if (!value) return no_memory(r);
        r->value = value;
        r->room = room;
    }
    r->value[r->count++] = x;
    return BP_OK;
}

static bp_status add_item(reader *r, const char *item, size_t length)
{
    double x;
    if (r->param->kind != BP_PARAM_WORD)
        return bp__number_from(item, length, &x) ? add(r, x) : unreadable(r, item, length);
    for (size_t i = 0; r->param->words[i]; i++)
        if (strlen(r->param->words[i]) == length && memcmp(r->param->words[i], item, length) == 0)
            return add(r, (double)i);
    return not_a_word(r, item, length);
}

/* "a" or "a,b,c" */
static bp_status add_list(reader *r, const char *list)
{
    for (;; list++) {
        const size_t n = strcspn(list, ",");
        BP_TRY(add_item(r, list, n));
        list += n;
        if (!*list) return BP_OK;
    }
}

/* Ranges ---------------------------------------------------------------------------------------- */

__extension__ typedef __int128 wide;

#define MAX_DIGITS 36 /* of a decimal: so that a few of them can be added up */

/* digits * 10^exponent, exactly as it was typed */
typedef struct decimal {
    wide digits;
    int exponent;
} decimal;

typedef struct part {
    const char *text;
    size_t length;
    double number; /* nearest to it */
    decimal exact;
} part;

/* @return false: it would have more than MAX_DIGITS */
static bool times_power_of_ten(wide *digits, int power)
{
    static const wide limit = (wide)1000000000000000000 * 100000000000000000; /* 10^(MAX_DIGITS - 1) */
    for (; power > 0 && *digits != 0; power--) {
        if (*digits >= limit || *digits <= -limit) return false;
        *digits *= 10;
    }
    return true;
}

/* @param[in,out] p  its text is a finite number @return false: it has too many digits */
static bool read_exactly(part *p)
{
    wide digits = 0;
    int zeros = 0, decimals = 0, exponent = 0; /* zeros that no other digit has followed yet */
    bool point = false;
    p->exact = (decimal){0};
    if (p->number == 0) return true; /* what is too small for a double is 0 */
    for (size_t i = 0; i < p->length; i++) {
        const char c = p->text[i];
        if (c == 'e' || c == 'E') {
            exponent = atoi(p->text + i + 1);
            break;
        }
        point |= c == '.';
        if (c < '0' || c > '9') continue;
        decimals += point;
        zeros++;
        if (c == '0') continue;
        if (!times_power_of_ten(&digits, zeros)) return false;
        digits += c - '0';
        zeros = 0;
    }
    p->exact = (decimal){p->number < 0 ? -digits : digits, exponent + zeros - decimals};
    return true;
}

/* Three decimals as multiples of one power of ten. @return false: they have too many digits */
static bool align(part p[3])
{
    int least = 0;
    bool any = false;
    for (int i = 0; i < 3; i++) {
        if (!read_exactly(&p[i])) return false;
        if (p[i].number == 0 || (any && p[i].exact.exponent >= least)) continue;
        least = p[i].exact.exponent;
        any = true;
    }
    for (int i = 0; i < 3; i++) {
        decimal *d = &p[i].exact;
        if (!times_power_of_ten(&d->digits, d->exponent - least)) return false;
        d->exponent = least;
    }
    return true;
}

static wide size_of(wide x)
{
    return x < 0 ? -x : x;
}

/* The double nearest to digits * 10^exponent. */
static double nearest(wide digits, int exponent)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const wide exact = (wide)1 << 53;
    if (digits == 0) return 0;
    /* both are exact doubles, so that what is rounded is the result alone */
    if (digits <= exact && digits >= -exact && exponent <= 22 && exponent >= -22)
        return exponent < 0 ? (double)digits / power[-exponent] : (double)digits * power[exponent];
    char text[64], *at = text + 44; /* the digits before it, from the last one on */
    snprintf(at, 20, "e%d", exponent);
    for (wide rest = size_of(digits); rest > 0; rest /= 10) *--at = (char)('0' + rest % 10);
    if (digits < 0) *--at = '-';
    return strtod(at, NULL);
}

/* @param[out] count  how many parts there are */
static bp_status split(const reader *r, const char *list, part p[3], int *count)
{
    for (*count = 0;; ++*count) {
        if (*count == 3) BP_FAIL(BP_EINVAL, "%s: a range has three parts at most, FROM:TO:STEP", WHERE(r));
        part *one = &p[*count];
        *one = (part){.text = list, .length = strcspn(list, ":")};
        if (!bp__number_from(list, one->length, &one->number)) return unreadable(r, list, one->length);
        list += one->length;
        if (!*list++) return ++*count, BP_OK;
    }
}

/* Values from a to b. @param[in] p  aligned */
static bp_status add_steps(reader *r, const part p[3])
{
    const wide a = p[0].exact.digits, b = p[1].exact.digits, step = p[2].exact.digits;
    assert(step != 0); /* it was refused */
    const wide width = size_of(b - a), stride = size_of(step), rest = width % stride;
    if (a > b && step > 0)
        BP_FAIL(BP_EINVAL, "%s: the range is empty, it begins above its end; a step below 0 would count down",
                WHERE(r));
    if (a <= b && step < 0) BP_FAIL(BP_EINVAL, "%s: the step must be greater than 0", WHERE(r));
    const bool nearly = rest > 0 && stride - rest <= stride / 1000000000; /* then TO is the last one itself */
    const wide last = width / stride + nearly;
    if (last >= (wide)BP__VALUES_MAX) return too_many(r);
    for (wide i = 0; i <= last; i++)
        BP_TRY(add(r, nearest(nearly && i == last ? b : a + i * step, p[0].exact.exponent)));
    return BP_OK;
}

static bp_status add_range(reader *r, const char *list)
{
    part p[3] = {[2] = {.text = "1", .length = 1, .number = 1}};
    int count;
    BP_TRY(split(r, list, p, &count));
    const double step = p[2].number;
    if (step == 0) BP_FAIL(BP_EINVAL, "%s: the step must be greater than 0", WHERE(r));
    if (align(p)) return add_steps(r, p);
    if (!((p[1].number - p[0].number) / step < (double)BP__VALUES_MAX)) return too_many(r);
    BP_FAIL(BP_EINVAL,
            "%s: FROM, TO and STEP have more than %d digits from the first to the last; write fewer",
            WHERE(r), MAX_DIGITS);
}

/* The value at a share of the way from a to b. Where it is a decimal of a few digits but for the error of its
 * computation it is that decimal: 0.001 between 0.0001 and 0.01. */
static double between(long double a, long double b, long double share)
{
    char text[64];
    const long double x = a * powl(b / a, share);
    snprintf(text, sizeof text, "%.12Lg", x);
    return fabsl(strtold(text, NULL) - x) <= 1e-17L * x ? strtod(text, NULL) : (double)x;
}

/* "a:b:n" behind "log:" */
static bp_status add_log_range(reader *r, const char *list)
{
    part p[3];
    int count;
    BP_TRY(split(r, list, p, &count));
    const double a = p[0].number, b = p[1].number, n = count == 3 ? p[2].number : 0;
    if (!(a > 0 && b > 0 && n >= 2 && n == floor(n)))
        BP_FAIL(BP_EINVAL,
                "%s: write log:FROM:TO:N, with FROM and TO above 0 and N, the number of values, from 2 on",
                WHERE(r));
    if (n > (double)BP__VALUES_MAX) return too_many(r);
    const long double first = strtold(p[0].text, NULL), last = strtold(p[1].text, NULL);
    BP_TRY(add(r, a));
    for (int64_t i = 1; i < (int64_t)n - 1; i++) {
        const double x = between(first, last, (long double)i / (long double)(n - 1));
        BP_TRY(add(r, r->param->kind == BP_PARAM_INTEGER ? floor(x + 0.5) : x));
    }
    return add(r, b);
}

/* Files ----------------------------------------------------------------------------------------- */

static void trim(char **item)
{
    *item += strspn(*item, BLANKS);
    for (size_t n = strlen(*item); n > 0 && strchr(BLANKS, (*item)[n - 1]); n--) (*item)[n - 1] = '\0';
}

static bp_status add_line(reader *r, char *line)
{
    static const char byte_order_mark[] = "\357\273\277"; /* that some editors begin a file with */
    if (r->line == 1 && strncmp(line, byte_order_mark, 3) == 0) line += 3;
    line[strcspn(line, "#")] = '\0';
    trim(&line);
    if (!*line) return BP_OK;
    for (char *item; (item = strsep(&line, ",")) != NULL;) {
        trim(&item);
        BP_TRY(add_item(r, item, strlen(item)));
    }
    return BP_OK;
}

static bp_status add_lines(reader *r, FILE *f, char **line)
{
    size_t size = 0;
    for (ssize_t n; (n = getline(line, &size, f)) >= 0;) {
        r->line++;
        if (strlen(*line) != (size_t)n) BP_FAIL(BP_EINVAL, "%s: this is no text", WHERE(r));
        BP_TRY(add_line(r, *line));
    }
    if (ferror(f)) BP_FAIL_ERRNO(BP_EIO, errno, "--param %s: %.200s cannot be read", r->param->name, r->file);
    if (r->count == 0) BP_FAIL(BP_EINVAL, "--param %s: %.200s has no value", r->param->name, r->file);
    return BP_OK;
}

static bp_status add_file(reader *r, const char *path)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    if (!f) BP_FAIL_ERRNO(BP_EIO, errno, "--param %s: %.200s cannot be read", r->param->name, path);
    r->file = path;
    bp_status s = add_lines(r, f, &line);
    free(line);
    fclose(f);
    return s;
}

/* Each once ------------------------------------------------------------------------------------- */

static bool is_monotonic(const double *value, uint64_t count)
{
    bool up = true, down = true;
    for (uint64_t i = 1; i < count; i++) {
        up &= value[i] > value[i - 1];
        down &= value[i] < value[i - 1];
    }
    return up || down;
}

typedef struct place {
    double value;
    uint64_t at;
} place;

static int by_value(const void *x, const void *y)
{
    const place *a = x, *b = y;
    if (a->value != b->value) return a->value < b->value ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

/* The first of those that are equal stays. */
static bp_status drop_repeated(reader *r)
{
    if (is_monotonic(r->value, r->count)) return BP_OK;
    place *sorted = malloc(r->count * sizeof *sorted);
    if (!sorted) return no_memory(r);
    for (uint64_t i = 0; i < r->count; i++) sorted[i] = (place){r->value[i], i};
    qsort(sorted, r->count, sizeof *sorted, by_value);
    for (uint64_t i = r->count - 1; i > 0; i--)
        if (sorted[i].value == sorted[i - 1].value) r->value[sorted[i].at] = NAN;
    free(sorted);
    uint64_t kept = 0;
    for (uint64_t i = 0; i < r->count; i++)
        if (!isnan(r->value[i])) r->value[kept++] = r->value[i];
    r->count = kept;
    return BP_OK;
}

bp_status bp__values_read(const char *option, const char *list, const bp_param *param, bp__values *values)
{
    reader r = {.option = option, .param = param};
    const bool words = param->kind == BP_PARAM_WORD, file = *list == '@';
    const bool log = !words && !file && strncmp(list, "log:", 4) == 0;
    const bool range = !words && !file && strchr(list, ':');
    *values = (bp__values){0};
    bp_status s = file    ? add_file(&r, list + 1)
                  : log   ? add_log_range(&r, list + 4)
                  : range ? add_range(&r, list)
                          : add_list(&r, list);
    if (s == BP_OK) s = drop_repeated(&r);
    if (bp__failed(s))
        free(r.value);
    else
        *values = (bp__values){.value = r.value, .count = r.count, .is_range = range};
    return s;
}
