#include "cli/option.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "core/text.h"

#define HELP_COLUMN 24
#define LAST_COLUMN 100
#define MAX_OPTIONS 128
#define FIRST_VALUE 256 /* beyond every letter that getopt_long() returns by itself */

/* Values ---------------------------------------------------------------------------------------- */

static void *place_of(void *target, const bp__option *option)
{
    return (char *)target + option->at;
}

bp_status bp__set_flag(void *target, const bp__option *option, const char *value)
{
    (void)value;
    *(bool *)place_of(target, option) = true;
    return BP_OK;
}

bp_status bp__set_text(void *target, const bp__option *option, const char *value)
{
    *(const char **)place_of(target, option) = value;
    return BP_OK;
}

bp_status bp__set_number(void *target, const bp__option *option, const char *value)
{
    if (!bp__number_from(value, strlen(value), place_of(target, option)))
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a number", option->name, value);
    return BP_OK;
}

bp_status bp__set_seconds(void *target, const bp__option *option, const char *value)
{
    BP_TRY(bp__set_number(target, option, value));
    const double seconds = *(double *)place_of(target, option);
    if (!(seconds >= 0 && seconds <= 1e6))
        BP_FAIL(BP_EINVAL, "--%s: %g seconds are out of range; allowed are 0 to 1000000", option->name,
                seconds);
    return BP_OK;
}

bool bp__count_from(const char *text, size_t length, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return length > 0 && strspn(text, "0123456789") >= length && end == text + length && errno == 0;
}

bp_status bp__set_count(void *target, const bp__option *option, const char *value)
{
    if (!bp__count_from(value, strlen(value), place_of(target, option)))
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a whole number from 0 on", option->name, value);
    return BP_OK;
}

bp_status bp__set_bytes(void *target, const bp__option *option, const char *value)
{
    int64_t bytes;
    if (!bp__whole_from(value, true, &bytes) || bytes < 0)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a number of bytes; examples: 0, 64M, 1G", option->name,
                value);
    *(uint64_t *)place_of(target, option) = (uint64_t)bytes;
    return BP_OK;
}

/* Reading --------------------------------------------------------------------------------------- */

static bool is_shown(const bp__option *option, unsigned uses)
{
    return option->name && option->help && (option->uses & uses);
}

static bp_status refuse(int letter, char **argv)
{
    const char *option = argv[optind - 1];
    if (letter == ':') BP_FAIL(BP_EINVAL, "%.80s: a value is missing", option);
    if (optopt >= FIRST_VALUE) BP_FAIL(BP_EINVAL, "%.80s: this option takes no value", option);
    /* not a word of argv: within a cluster of letters optind has not moved past it yet */
    if (optopt != 0) BP_FAIL(BP_EINVAL, "unknown option '-%c'", optopt);
    BP_FAIL(BP_EINVAL, "unknown or ambiguous option '%.80s'", option);
}

static bp_status refuse_here(const bp__option *option, size_t count, const bp__option *given,
                             const char *what, unsigned use)
{
    char *names = NULL;
    size_t size;
    FILE *f = open_memstream(&names, &size);
    if (f) bp__options_names(f, option, count, use);
    if (!f || fclose(f) != 0) {
        free(names);
        BP_FAIL(BP_ENOMEM, "no memory for the command line");
    }
    bp_status s =
        bp__fail(BP_EINVAL, "--%s: '%s' has no such option; it takes %.300s", given->name, what, names);
    free(names);
    return s;
}

static const bp__option *find(const bp__option *option, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (option[i].name && strcmp(option[i].name, name) == 0) return &option[i];
    return NULL;
}

static int takes(const bp__option *o)
{
    return !o->value ? no_argument : o->may_lack_value ? optional_argument : required_argument;
}

/* getopt_long() finds a value that may be left out behind "=" only. */
static const char *value_of(const bp__option *o, int argc, char **argv)
{
    if (optarg || !o->may_lack_value || optind >= argc || argv[optind][0] == '-') return optarg;
    return argv[optind++];
}

/* Whether row i is of other commands, while this one has an option of that name, too. */
static bool is_anothers(const bp__option *option, size_t count, size_t i, unsigned use)
{
    if (option[i].uses & use) return false;
    for (size_t k = 0; k < count; k++)
        if (option[k].name && (option[k].uses & use) && strcmp(option[k].name, option[i].name) == 0)
            return true;
    return false;
}

bp_status bp__options_read(const bp__option *option, size_t count, const char *what, unsigned use, int argc,
                           char **argv, void *target, int *rest)
{
    struct option known[MAX_OPTIONS + 1] = {0};
    size_t n = 0;
    if (count > MAX_OPTIONS) BP_FAIL(BP_EINVAL, "%s has more than %d options", what, MAX_OPTIONS);
    for (size_t i = 0; i < count; i++)
        if (option[i].name && !is_anothers(option, count, i, use))
            known[n++] = (struct option){option[i].name, takes(&option[i]), NULL, FIRST_VALUE + (int)i};
    opterr = 0;
    optind = 0; /* begin anew, whoever has read options before */
    for (int letter; (letter = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
        const bp__option *o = letter == 'h'           ? find(option, count, "help")
                              : letter >= FIRST_VALUE ? &option[letter - FIRST_VALUE]
                                                      : NULL;
        if (!o) return refuse(letter, argv);
        if (!(o->uses & use)) return refuse_here(option, count, o, what, use);
        BP_TRY(o->set(target, o, value_of(o, argc, argv)));
        if (o->ends) break;
    }
    *rest = optind;
    return BP_OK;
}

/* Showing --------------------------------------------------------------------------------------- */

void bp__wrap(FILE *file, const char *text, int column, int indent)
{
    for (bool first = true; *text; first = false) {
        const int word = (int)strcspn(text, " ");
        if (!first && column + 1 + word >= LAST_COLUMN) {
            fprintf(file, "\n%*s", indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', file);
            column++;
        }
        fprintf(file, "%.*s", word, text);
        column += word;
        text += word + (text[word] == ' ');
    }
    fputc('\n', file);
}

/* The heading that is due before option i, or NULL. */
static const char *heading_before(const bp__option *option, size_t i, unsigned uses)
{
    while (i > 0 && !is_shown(&option[i - 1], uses) && option[i - 1].name) i--;
    return i > 0 && !option[i - 1].name ? option[i - 1].help : NULL;
}

void bp__options_help(FILE *file, const bp__option *option, size_t count, unsigned use)
{
    for (size_t i = 0; i < count; i++) {
        const bp__option *o = &option[i];
        if (!is_shown(o, use)) continue;
        const char *heading = heading_before(option, i, use);
        if (heading) fprintf(file, "\n%s:\n", heading);
        int column = fprintf(file, "  --%s", o->name);
        if (o->value) column += fprintf(file, o->may_lack_value ? " [%s]" : " %s", o->value);
        if (column >= HELP_COLUMN) {
            fputc('\n', file);
            column = 0;
        }
        fprintf(file, "%*s", HELP_COLUMN - column, "");
        bp__wrap(file, o->help, HELP_COLUMN, HELP_COLUMN);
    }
}

void bp__man_text(FILE *file, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputs(*text == '-' ? "\\-" : "\\e", file);
        else
            fputc(*text, file);
    }
}

void bp__options_man(FILE *file, const bp__option *option, size_t count, unsigned uses)
{
    for (size_t i = 0; i < count; i++) {
        const bp__option *o = &option[i];
        if (!is_shown(o, uses)) continue;
        const char *heading = heading_before(option, i, uses);
        if (heading) {
            fputs(".SS ", file);
            bp__man_text(file, heading);
            fputc('\n', file);
        }
        fputs(".TP\n.BI \\-\\-", file);
        bp__man_text(file, o->name);
        if (o->value) fprintf(file, o->may_lack_value ? " \" [%s]\"" : " \" %s\"", o->value);
        fputs("\n\\&", file); /* the line begins with no command, whatever the text begins with */
        bp__man_text(file, o->help);
        fputc('.', file);
        if (o->more) {
            fputc('\n', file);
            bp__man_text(file, o->more);
        }
        fputc('\n', file);
    }
}

void bp__options_names(FILE *file, const bp__option *option, size_t count, unsigned use)
{
    const char *between = "";
    for (size_t i = 0; i < count; i++) {
        if (!is_shown(&option[i], use)) continue;
        fprintf(file, "%s--%s", between, option[i].name);
        between = " ";
    }
}

void bp__options_completion(FILE *file, const bp__option *option, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const bp__option *o = &option[i];
        if (!o->name || !o->value || !o->help) continue;
        fprintf(file, "    --%s) ", o->name);
        if (o->choices) {
            fputs("mapfile -t COMPREPLY < <(compgen -W '", file);
            o->choices(file);
            fputs("' -- \"$word\"); return ;;\n", file);
        } else {
            fprintf(file, "%s ;;\n",
                    strncmp(o->value, "DIR", 3) == 0    ? "compopt -o dirnames; return"
                    : strncmp(o->value, "FILE", 4) == 0 ? "return"
                                                        : "compopt +o default; return");
        }
    }
}
