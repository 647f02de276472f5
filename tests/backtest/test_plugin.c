/* Files of strategies: which are loaded, which are refused and how, and what a description must be. */
#include <elf.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backtest/description.h"
#include "backtest/plugin.h"
#include "tests/core/suite.h"

static char folder[] = "/tmp/test_plugin.XXXXXX"; /* nobody else's */
static const bp_host host = {.size = sizeof host, .abi = BP_STRATEGY_ABI};

/* Files ----------------------------------------------------------------------------------------- */

/* A copy of what the build has made, in the folder. @return its path, until the next call */
static const char *copy(const char *plugin, const char *name)
{
    static char path[256];
    char from[512], bytes[4096];
    snprintf(from, sizeof from, "%s/%s.so", PLUGINS, plugin);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    FILE *in = fopen(from, "rb"), *out = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, in)) > 0;)
        CU_ASSERT_EQUAL_FATAL(fwrite(bytes, 1, n, out), n);
    fclose(in);
    CU_ASSERT_EQUAL_FATAL(fclose(out), 0);
    CU_ASSERT_EQUAL_FATAL(chmod(path, 0755), 0);
    return path;
}

/* The same with one byte changed, or cut off. */
static const char *doctored(const char *name, size_t at, unsigned char byte, off_t size)
{
    const char *path = copy("one", name);
    const int fd = open(path, O_RDWR);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL_FATAL(pwrite(fd, &byte, 1, (off_t)at), 1);
    if (size > 0) CU_ASSERT_EQUAL_FATAL(ftruncate(fd, size), 0);
    close(fd);
    return path;
}

static void refused(const char *path, bp_status code, const char *words)
{
    bp__plugin *p;
    FAILS(bp__plugin_open(path, &host, &p), code, words);
    CU_ASSERT_PTR_NULL(p);
}

static void test_names(void)
{
    static const char *const files[] = {"./mine.so", "mine.so", "/a/mine", "mine.so:x",
                                        "./mine:x",  "a:b/c",   "a:b.so"};
    static const char *const builtins[] = {"sma_cross", "mine", "", "so", ".so", "mine:x", "mine.so.txt"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) CU_ASSERT(bp__plugin_is_named(files[i]));
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
        CU_ASSERT(!bp__plugin_is_named(builtins[i]));
}

static void test_one(void)
{
    bp__plugin *p;
    const bp_strategy *s;
    char command[400], hash[80] = "", named[300];
    const char *path = copy("one", "a:b.so");
    MUST(bp__plugin_open(path, &host, &p));
    MUST(bp__plugin_strategy(p, &s));
    CU_ASSERT_STRING_EQUAL(s->name, "one");
    size_t count;
    CU_ASSERT_PTR_EQUAL(bp__plugin_strategies(p, &count)[0], s);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_STRING_EQUAL(bp__plugin_file(p), "a:b.so");
    snprintf(command, sizeof command, "sha256sum <%s", path);
    FILE *sum = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(sum);
    CU_ASSERT_EQUAL(fread(hash, 1, 64, sum), 64);
    pclose(sum);
    CU_ASSERT_STRING_EQUAL(bp__plugin_hash(p), hash);
    bp__plugin_close(&p);
    CU_ASSERT_PTR_NULL(p);
    snprintf(named, sizeof named, "%s:one", path);
    MUST(bp__plugin_open(named, &host, &p));
    bp__plugin_close(&p);
    bp__plugin_close(&p);
}

static void test_several(void)
{
    bp__plugin *p;
    const bp_strategy *s;
    char named[300];
    const char *path = copy("two", "two.so");
    MUST(bp__plugin_open(path, &host, &p));
    size_t count;
    CU_ASSERT_PTR_NOT_NULL(bp__plugin_strategies(p, &count)[1]);
    CU_ASSERT_EQUAL(count, 2);
    FAILS(bp__plugin_strategy(p, &s), BP_EINVAL, "weights, orders");
    CU_ASSERT(strstr(bp_error_text(), "two.so:weights") != NULL);
    bp__plugin_close(&p);
    snprintf(named, sizeof named, "%s:orders", path);
    MUST(bp__plugin_open(named, &host, &p));
    MUST(bp__plugin_strategy(p, &s));
    CU_ASSERT_STRING_EQUAL(s->name, "orders");
    bp__plugin_close(&p);
    snprintf(named, sizeof named, "%s:other", path);
    refused(named, BP_ENOTFOUND, "'other' in it, choose from weights, orders");
    snprintf(named, sizeof named, "%s:", path);
    refused(named, BP_EINVAL, "missing behind the colon");
}

static void test_no_plugins(void)
{
    char path[300];
    snprintf(path, sizeof path, "%s/nonesuch.so", folder);
    refused(path, BP_ENOTFOUND, "no such file");
    snprintf(path, sizeof path, "%s/one.so/x", folder);
    copy("one", "one.so");
    refused(path, BP_ENOTFOUND, "no such file");
    refused(folder, BP_EFORMAT, "not a regular file");
    snprintf(path, sizeof path, "%s/pipe.so", folder);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    refused(path, BP_EFORMAT, "not a regular file");
    refused(doctored("source.so", 0, 'x', 0), BP_EFORMAT, "not a shared object; build it by");
    refused(doctored("empty.so", 0, 0x7f, 1), BP_EFORMAT, "not a shared object");
    refused(doctored("class.so", EI_CLASS, ELFCLASS32, 0), BP_EFORMAT, "another kind of machine");
    refused(doctored("machine.so", offsetof(Elf64_Ehdr, e_machine), EM_S390, 0), BP_EFORMAT,
            "another kind of machine");
    refused(doctored("object.so", offsetof(Elf64_Ehdr, e_type), ET_REL, 0), BP_EFORMAT,
            "not a shared object");
    refused(doctored("short.so", 0, 0x7f, 4096), BP_EFORMAT, "cut short");
    refused(copy("odd1", "odd1.so"), BP_EFORMAT, "no bp_strategy_module() in it");
    refused(copy("odd2", "odd2.so"), BP_EFORMAT, "has refused this program");
    refused(copy("odd3", "odd3.so"), BP_EFORMAT, "for version 2 of the interface");
    refused(copy("odd5", "odd5.so"), BP_EFORMAT,
            "cannot be loaded: undefined symbol: there_is_no_such_function");
}

static void test_arithmetic_is_kept(void)
{
    bp__plugin *p;
    volatile double small = DBL_MIN;
    MUST(bp__plugin_open(copy("odd4", "odd4.so"), &host, &p));
    CU_ASSERT(small / 2 > 0);
    bp__plugin_close(&p);
}

static void test_others_may_write(void)
{
    static const mode_t file_modes[] = {0775, 0757, 0666}, folder_modes[] = {0770, 0707};
    bp__plugin *p;
    char link_path[300];
    const char *path = copy("one", "mode.so");
    for (size_t i = 0; i < sizeof file_modes / sizeof *file_modes; i++) {
        CU_ASSERT_EQUAL_FATAL(chmod(path, file_modes[i]), 0);
        refused(path, BP_EIO, "others may write to it: chmod go-w");
    }
    CU_ASSERT_EQUAL_FATAL(chmod(path, 0644), 0);
    for (size_t i = 0; i < sizeof folder_modes / sizeof *folder_modes; i++) {
        CU_ASSERT_EQUAL_FATAL(chmod(folder, folder_modes[i]), 0);
        refused(path, BP_EIO, "others may write to its folder: chmod go-w /tmp/test_plugin");
    }
    CU_ASSERT_EQUAL_FATAL(chmod(folder, 01777), 0); /* as /tmp is, and has to be */
    refused(path, BP_EIO, "others may write to its folder /tmp/test_plugin");
    CU_ASSERT_PTR_NULL(strstr(bp_error_text(), "chmod"));
    CU_ASSERT_EQUAL_FATAL(chmod(folder, 0755), 0);
    MUST(bp__plugin_open(path, &host, &p));
    bp__plugin_close(&p);
    /* a link in a folder of others to a file that is safe: they could change the link */
    snprintf(link_path, sizeof link_path, "%s.open", folder);
    CU_ASSERT_EQUAL_FATAL(mkdir(link_path, 0700), 0);
    CU_ASSERT_EQUAL_FATAL(chmod(link_path, 0777), 0);
    strcat(link_path, "/mode.so");
    CU_ASSERT_EQUAL_FATAL(symlink(path, link_path), 0);
    refused(link_path, BP_EIO, "others may write to its folder");
    unlink(link_path);
    *strrchr(link_path, '/') = '\0';
    rmdir(link_path);
}

static void test_owner(void)
{
    if (geteuid() != 0) {
        puts("not tried: files of another user, for want of root");
        return;
    }
    const char *path = copy("one", "owner.so");
    CU_ASSERT_EQUAL_FATAL(chown(path, 12345, 0), 0);
    refused(path, BP_EIO, "it belongs to user 12345");
    CU_ASSERT_EQUAL_FATAL(chown(path, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(chown(folder, 12345, 0), 0);
    refused(path, BP_EIO, "its folder belongs to user 12345");
    CU_ASSERT_EQUAL_FATAL(chown(folder, 0, 0), 0);
}

/* Descriptions ---------------------------------------------------------------------------------- */

static void signals(void *context, const bp_market *market, const double *params, bp_signals *s)
{
    (void)context, (void)market, (void)params, (void)s;
}

static void batch(void *context, const bp_market *market, size_t count, const double *const *params,
                  bp_signals *const *s)
{
    (void)context, (void)market, (void)count, (void)params, (void)s;
}

static void decide(void *context, bp_view *view, const double *params)
{
    (void)context, (void)view, (void)params;
}

static size_t memory(void *context, size_t num_assets, const double *params)
{
    (void)context, (void)params;
    return num_assets;
}

static const char *const words[] = {"long", "both", NULL};
static const bp_param INTEGER = {
    .name = "n", .help = "h", .kind = BP_PARAM_INTEGER, .fallback = 3, .min = 1, .max = 9};
static const bp_param REAL = {
    .name = "x", .help = "h", .kind = BP_PARAM_REAL, .fallback = .5, .min = 0, .max = 1};
static const bp_param WORD = {.name = "w", .help = "h", .kind = BP_PARAM_WORD, .fallback = 1, .words = words};
static bp_param param[BP_STRATEGY_MAX_PARAMS + 1];
static bp_strategy made; /* to be spoilt, one thing at a time */

static void make(void)
{
    param[0] = INTEGER, param[1] = REAL, param[2] = WORD;
    made = (bp_strategy){
        .size = sizeof made, .name = "s", .help = "h", .param = param, .num_params = 3, .signals = signals};
}

static bp_status check(void)
{
    const bp_strategy *const list[] = {&made};
    return bp__description_check("f.so", &(bp_module){BP_STRATEGY_ABI, 1, list}, BP__NAMES_OF_PLUGINS);
}

static void test_modules(void)
{
    const bp_strategy *const list[] = {&made, NULL}, *const twice[] = {&made, &made};
    make();
    FAILS(bp__description_check("f.so", NULL, BP__NAMES_OF_PLUGINS), BP_EFORMAT,
          "f.so: its bp_strategy_module() has refused");
    FAILS(bp__description_check("f.so", &(bp_module){7, 1, list}, BP__NAMES_OF_PLUGINS), BP_EFORMAT,
          "for version 7 of");
    FAILS(bp__description_check("f.so", &(bp_module){1, 0, list}, BP__NAMES_OF_PLUGINS), BP_EFORMAT,
          "no strategy in it");
    FAILS(bp__description_check("f.so", &(bp_module){1, 1, NULL}, BP__NAMES_OF_PLUGINS), BP_EFORMAT,
          "no strategy in it");
    FAILS(bp__description_check("f.so", &(bp_module){1, 2, list}, BP__NAMES_OF_PLUGINS), BP_EFORMAT,
          "number 1 of its module is NULL");
    FAILS(bp__description_check("f.so", &(bp_module){1, 2, twice}, BP__NAMES_OF_PLUGINS), BP_EFORMAT,
          "'s': it is there twice");
    FAILS(bp__description_check("f.so", &(bp_module){1, 1000000, list}, BP__NAMES_OF_PLUGINS), BP_EFORMAT,
          "says that it holds 1000000");
}

#define SPOILT(assignment, text)                                                                             \
    do {                                                                                                     \
        make();                                                                                              \
        assignment;                                                                                          \
        FAILS(check(), BP_EFORMAT, text);                                                                    \
        CU_ASSERT(strncmp(bp_error_text(), "f.so: ", 6) == 0);                                               \
    } while (0)

static void test_strategies(void)
{
    make();
    MUST(check());
    SPOILT(made.size = 0, "its size is 0; set .size");
    SPOILT(made.size = sizeof made - 8, "set .size");
    SPOILT(made.size = 1 << 20, "set .size");
    SPOILT(made.name = NULL, "number 0 has no name");
    SPOILT(made.name = "", "no name for it");
    SPOILT(made.name = "Sma", "no name for it");
    SPOILT(made.name = "1sma", "no name for it");
    SPOILT(made.name = "a-b", "no name for it");
    SPOILT(made.name = "a_name_of_thirty_two_characters_", "no name for it");
    SPOILT(made.help = NULL, "its help is missing");
    SPOILT(made.help = "", "its help is missing");
    SPOILT(made.help = "two\nlines", "no single line");
    SPOILT(made.signals = NULL, "sets 0 of signals, weights and decide");
    SPOILT(made.decide = decide, "sets 2 of signals");
    SPOILT(made.signals = NULL; made.decide = decide; made.signals_batch = batch, "goes with signals only");
    SPOILT(made.memory = memory, "goes with decide only");
    SPOILT(made.num_params = BP_STRATEGY_MAX_PARAMS + 1, "at most 16 are allowed");
    SPOILT(made.param = NULL, "`param` is NULL");
    make();
    made.name = "a_name_of_thirty_one_characters";
    made.signals_batch = batch;
    made.num_params = 0;
    made.param = NULL;
    MUST(check());
    struct {
        bp_strategy known;
        uint64_t later;
    } newer = {.later = 0};
    const bp_strategy *const list[] = {&newer.known};
    make();
    newer.known = made;
    newer.known.size = sizeof newer;
    MUST(bp__description_check("f.so", &(bp_module){BP_STRATEGY_ABI, 1, list}, BP__NAMES_OF_PLUGINS));
    newer.later = 1;
    FAILS(bp__description_check("f.so", &(bp_module){BP_STRATEGY_ABI, 1, list}, BP__NAMES_OF_PLUGINS),
          BP_EFORMAT, "does not know yet");
}

static void test_params(void)
{
    static const char *const none[] = {NULL}, *const twice[] = {"a", "a", NULL},
                             *const odd[] = {"a", "B", NULL};
    SPOILT(param[1].name = NULL, "parameter 1 has no name");
    SPOILT(param[1].name = "x y", "parameter 1 is called 'x y'");
    SPOILT(param[1].name = "n", "parameter 'n': it is there twice");
    SPOILT(param[1].help = NULL, "'x': its help is missing");
    SPOILT(param[1].kind = (bp_param_kind)7, "its kind is 7");
    SPOILT(param[0].fallback = 3.5, "its default 3.5 is not one");
    SPOILT(param[0].fallback = 10, "its default 10 is not from 1 to 9");
    SPOILT(param[0].fallback = NAN, "its default nan is not from 1 to 9");
    SPOILT(param[0].min = 0.5, "does not end with such");
    SPOILT(param[0].max = INFINITY, "does not end with such");
    SPOILT(param[0].min = 10, "its range from 10 to 9 is empty");
    SPOILT(param[1].min = NAN, "is empty");
    SPOILT(param[1].words = words, "it is a number and has words");
    SPOILT(param[2].words = NULL, "and has none");
    SPOILT(param[2].words = none, "and has none");
    SPOILT(param[2].words = twice, "the word 'a' is there twice");
    SPOILT(param[2].words = odd, "word 1 is 'B'");
    SPOILT(param[2].fallback = 2, "from 0 to 1");
    SPOILT(param[2].fallback = -1, "from 0 to 1");
    SPOILT(param[2].fallback = 0.5, "from 0 to 1");
    SPOILT(param[2].fallback = NAN, "from 0 to 1");
    make();
    param[1].min = -INFINITY;
    param[1].max = INFINITY;
    MUST(check());
}

int main(void)
{
    CU_TestInfo tests[] = {{"names of files and of strategies", test_names},
                           {"a file with one strategy", test_one},
                           {"a file with several", test_several},
                           {"what is no plug-in", test_no_plugins},
                           {"loading leaves the arithmetic as it is", test_arithmetic_is_kept},
                           {"what others may write", test_others_may_write},
                           {"what belongs to others", test_owner},
                           {"modules", test_modules},
                           {"descriptions of strategies", test_strategies},
                           {"descriptions of parameters", test_params},
                           CU_TEST_INFO_NULL};
    if (!mkdtemp(folder)) return 1;
    const int code = suite_main("plugin", tests);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? code : 1;
}
