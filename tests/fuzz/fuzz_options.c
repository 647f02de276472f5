/* What users and administrators write: the administrator's file, settings of a pool, options of a command line. What is
 * wrong is refused by its name; what is accepted makes a configuration that can be checked.
 *
 * An input is a file of settings; its lines that begin with '-', and those behind each, are the arguments of a command.
 */
#include <math.h>

#include "cli/option.h"
#include "core/conf.h"
#include "core/config.h"
#include "file.h"

typedef struct target {
    bool flag;
    const char *text;
    double number, seconds;
    uint64_t count;
} target;

static const bp__option options[] = {
    {.help = "Fuzz"},
    {.name = "flag", .uses = 1, .set = bp__set_flag, .at = offsetof(target, flag), .help = "a flag"},
    {.name = "flat",
     .value = "TEXT",
     .uses = 1,
     .set = bp__set_text,
     .at = offsetof(target, text),
     .help = "text"},
    {.name = "number",
     .value = "X",
     .uses = 1,
     .set = bp__set_number,
     .at = offsetof(target, number),
     .help = "one"},
    {.name = "seconds",
     .value = "S",
     .uses = 1,
     .set = bp__set_seconds,
     .at = offsetof(target, seconds),
     .help = "s"},
    {.name = "count",
     .value = "N",
     .uses = 3,
     .set = bp__set_count,
     .at = offsetof(target, count),
     .help = "count"},
    {.name = "maybe",
     .value = "TEXT",
     .uses = 1,
     .set = bp__set_text,
     .at = offsetof(target, text),
     .help = "maybe",
     .may_lack_value = true},
    {.name = "other",
     .uses = 2,
     .set = bp__set_flag,
     .at = offsetof(target, flag),
     .help = "of another command"},
    {.name = "help",
     .uses = 3,
     .set = bp__set_flag,
     .at = offsetof(target, flag),
     .help = "help",
     .ends = true}};

enum { NUM_OPTIONS = sizeof options / sizeof *options, MOST_ARGUMENTS = 20 };

static void try_arguments(char **argument, int count)
{
    char *argv[MOST_ARGUMENTS + 2] = {(char *)(uintptr_t) "fuzz"};
    target t = {.flag = false};
    int rest = 0;
    memcpy(argv + 1, argument, (size_t)count * sizeof *argv);
    if (bp__options_read(options, NUM_OPTIONS, "fuzz", 1, count + 1, argv, &t, &rest) != BP_OK) {
        FUZZ_HOLDS(*bp_error_text() != '\0');
        return;
    }
    FUZZ_HOLDS(rest >= 1 && rest <= count + 1);
    FUZZ_HOLDS(isfinite(t.number) && t.seconds >= 0 && t.seconds <= 1e6);
}

static void try_settings(const bp__conf *conf)
{
    bp_config cfg = bp_config_init();
    FUZZ_HOLDS(bp_config_default(&cfg) == BP_OK);
    for (size_t i = 0; i < conf->count; i++) {
        const bp__conf_line *line = &conf->line[i];
        char origin[BP_PATH_MAX + 16];
        bp__conf_origin(conf, line, origin);
        FUZZ_HOLDS(bp__conf_find(conf, line->name, line->is_cap) == line);
        if (bp_config_set(&cfg, line->name, line->value, origin) != BP_OK)
            FUZZ_HOLDS(strstr(bp_error_text(), origin) || strstr(bp_error_text(), line->name));
    }
    if (bp_config_check(&cfg) != BP_OK) FUZZ_HOLDS(*bp_error_text() != '\0');
    for (unsigned i = 0;; i++) {
        bp__setting setting;
        if (!bp__config_value(&cfg, i, &setting)) break;
        if (setting.kind == BP__SETTING_TEXT) FUZZ_HOLDS(strlen(setting.text) < BP_PATH_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bp__conf conf;
    fuzz_tape tape = {bytes, size};
    char *argument[MOST_ARGUMENTS], *line;
    int count = 0;
    const char *path = fuzz_file(bytes, size);
    if (bp__conf_read(path, false, &conf) == BP_OK)
        try_settings(&conf);
    else
        FUZZ_HOLDS(strstr(bp_error_text(), path));
    while (count < MOST_ARGUMENTS && (line = fuzz_take_line(&tape))) {
        if (count > 0 || *line == '-')
            argument[count++] = line;
        else
            free(line);
    }
    if (count > 0) try_arguments(argument, count);
    while (count > 0) free(argument[--count]);
    return 0;
}

size_t fuzz_seed(unsigned number, uint8_t *bytes)
{
    static const char *const texts[] = {
        "# pools\nmax pool_memory = 8G\npool_memory = 512M\nload_timeout_ms = 5000\n",
        "--flag\n--number=1.5\n--sec\n12\nDIR\n--\n-x\n",
        "--count\n18446744073709551615\n--maybe\n--flat=a b\n--help\n--nonsense\n",
        "root = /data/bundles\nlog_level=debug\n  staleness_ms =  -1  \n"};
    fuzz_pen pen = {bytes, 0};
    const char *name, *fallback, *help;
    if (number > 0) return FUZZ_TEXTS(texts, number - 1, bytes);
    for (unsigned i = 0; bp_config_field(i, &name, &fallback, &help); i++) {
        char line[400];
        snprintf(line, sizeof line, "%.60s = %.300s\n", name, fallback);
        fuzz_put(&pen, line, strlen(line));
    }
    return pen.size;
}
