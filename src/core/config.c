#include "core/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/conf.h"
#include "core/sized.h"
#include "core/text.h"

typedef enum kind { BOOLEAN, NUMBER, BYTES, CHOICE, TEXT } kind;

/* Each list ends with NULL. */
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const formats[] = {"text", "json", NULL};
static const char *const transfers[] = {"auto", "decoded", "stored", NULL};
static const char *const verifying[] = {"auto", "on", "off", NULL};
static const char *const placements[] = {"interleave", "first-touch", NULL};

/* One row per field: all that defaults, environment, options and checks need to know about it. */
static const struct field {
    const char *name;
    kind kind;
    size_t offset;
    int64_t min, max;
    const char *fallback;
    const char *help;
    const char *const *choices; /* CHOICE: names of 0, 1, ... */
} fields[] = {
#define FIELD(name) #name
#define AT(name)    offsetof(bp_config, name)
    {FIELD(enable_bundle_pooling), BOOLEAN, AT(enable_bundle_pooling), 0, 1, "true",
     "share bundles between ranks; false: every get loads privately", NULL},
    {FIELD(max_bundle_pool_size), NUMBER, AT(max_bundle_pool_size), 1, BP__MAX_POOL_SIZE, "100",
     "bundles in the pool at most", NULL},
    {FIELD(pool_memory), BYTES, AT(pool_memory), 0, INT64_C(1) << 50, "0",
     "bytes per node at most, such as 2G; 0: half of what is free", NULL},
    {FIELD(max_staleness_ms), NUMBER, AT(max_staleness_ms), -1, INT64_C(1000000000000), "0",
     "age of a look at the file that a get accepts; -1: any", NULL},
    {FIELD(load_timeout_ms), NUMBER, AT(load_timeout_ms), 1, INT64_C(1000000000000), "600000",
     "a get waits this long at most", NULL},
    {FIELD(room_timeout_ms), NUMBER, AT(room_timeout_ms), 0, INT64_C(1000000000000), "10000",
     "a load waits this long for memory that is in use", NULL},
    {FIELD(ranks_per_node), NUMBER, AT(ranks_per_node), 0, 1 << 20, "0",
     "split a machine into virtual nodes of that many ranks; 0: no", NULL},
    {FIELD(transfer), CHOICE, AT(transfer), 0, 0, "auto",
     "what travels between nodes: auto, decoded, or as it is stored in the file", transfers},
    {FIELD(log_level), CHOICE, AT(log_level), 0, 0, "warn", "error, warn, info or debug", levels},
    {FIELD(log_format), CHOICE, AT(log_format), 0, 0, "text", "text, or json: an object a line", formats},
    {FIELD(root), TEXT, AT(root), 0, 0, "bundles", "folder of the bundles", NULL},
    {FIELD(link_timeout_ms), NUMBER, AT(link_timeout_ms), 1000, INT64_C(1000000000000), "60000",
     "a node that is not heard for this long breaks the pool", NULL},
    {FIELD(verify_transfer), CHOICE, AT(verify_transfer), 0, 0, "auto",
     "checksums of what travels between nodes: auto (between machines), on or off", verifying},
    {FIELD(numa), CHOICE, AT(numa), 0, 0, "interleave",
     "pages of bundles on a node with several NUMA domains: interleave or first-touch", placements},
#undef FIELD
#undef AT
};
_Static_assert(sizeof(bp_log_level) == sizeof(unsigned) && sizeof(bp_log_format) == sizeof(unsigned) &&
                   sizeof(bp_transfer) == sizeof(unsigned) && sizeof(bp_verify) == sizeof(unsigned) &&
                   sizeof(bp_numa) == sizeof(unsigned),
               "choices are set as unsigned");

enum { NUM_FIELDS = sizeof fields / sizeof *fields };

/* What every caller's struct covers. */
enum { LEAST = offsetof(bp_config, max_bundle_pool_size) };

static void *place(bp_config *cfg, const struct field *f)
{
    return (char *)cfg + f->offset;
}

static size_t width(const struct field *f)
{
    switch (f->kind) {
    case BOOLEAN: return sizeof(bool);
    case NUMBER:
    case BYTES: return sizeof(int64_t);
    case CHOICE: return sizeof(unsigned);
    case TEXT: return BP_PATH_MAX;
    }
    return 0;
}

/* Whether the caller was compiled when there was such a field. */
static bool has_field(const bp_config *theirs, const struct field *f)
{
    return f->offset + width(f) <= theirs->size;
}

static bp_status set_boolean(const char *value, const char *origin, bool *out)
{
    static const char *const yes[] = {"true", "1", "yes", "on"}, *const no[] = {"false", "0", "no", "off"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcasecmp(value, yes[i]) == 0) return *out = true, BP_OK;
        if (strcasecmp(value, no[i]) == 0) return *out = false, BP_OK;
    }
    BP_FAIL(BP_EINVAL, "%s: '%s' is neither true nor false; use true/false, 1/0, yes/no or on/off", origin,
            value);
}

/* Read a whole number, which may end in K, M, G or T if it is one of bytes. */
static bp_status set_number(const struct field *f, const char *value, const char *origin, int64_t *out)
{
    int64_t n;
    if (!bp__whole_from(value, f->kind == BYTES, &n))
        BP_FAIL(BP_EINVAL, "%s: '%s' is not a number%s", origin, value,
                f->kind == BYTES ? " of bytes; examples: 500M, 2G" : "");
    if (n < f->min || n > f->max)
        BP_FAIL(BP_EINVAL, "%s: %lld is out of range; allowed are %lld to %lld", origin, (long long)n,
                (long long)f->min, (long long)f->max);
    *out = n;
    return BP_OK;
}

static bp_status set_choice(const struct field *f, const char *value, const char *origin, void *out)
{
    char names[80] = "";
    size_t n = 0;
    for (unsigned i = 0; f->choices[i]; i++) {
        if (strcasecmp(value, f->choices[i]) == 0) return memcpy(out, &i, sizeof i), BP_OK;
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i > 0 ? ", " : "", f->choices[i]);
    }
    BP_FAIL(BP_EINVAL, "%s: '%s' is none of %s", origin, value, names);
}

static bp_status set_text(const char *value, const char *origin, char out[BP_PATH_MAX])
{
    size_t n = strlen(value);
    if (n == 0) BP_FAIL(BP_EINVAL, "%s: empty", origin);
    if (n >= BP_PATH_MAX)
        BP_FAIL(BP_EINVAL, "%s: longer than the %d bytes that are allowed", origin, BP_PATH_MAX - 1);
    memcpy(out, value, n + 1);
    return BP_OK;
}

static bp_status set_field(bp_config *cfg, const struct field *f, const char *value, const char *origin)
{
    switch (f->kind) {
    case BOOLEAN: return set_boolean(value, origin, place(cfg, f));
    case NUMBER:
    case BYTES: return set_number(f, value, origin, place(cfg, f));
    case CHOICE: return set_choice(f, value, origin, place(cfg, f));
    case TEXT: return set_text(value, origin, place(cfg, f));
    }
    return BP_OK;
}

static const struct field *find_field(const char *name)
{
    for (int i = 0; i < NUM_FIELDS; i++)
        if (strcmp(fields[i].name, name) == 0) return &fields[i];
    return NULL;
}

static bp_status set_defaults(bp_config *own)
{
    *own = bp_config_init();
    for (int i = 0; i < NUM_FIELDS; i++)
        BP_TRY(set_field(own, &fields[i], fields[i].fallback, fields[i].name));
    return BP_OK;
}

bp_status bp__config_read(const bp_config *theirs, bp_config *own)
{
    BP_TRY(set_defaults(own));
    BP_TRY(bp__sized_check(theirs, LEAST, "bp_config"));
    BP_TRY(bp__sized_read(theirs, own, "bp_config"));
    if (own->link_timeout_ms == 0) /* filled in by an older library */
        BP_TRY(set_field(own, find_field("link_timeout_ms"), "60000", "link_timeout_ms"));
    return BP_OK;
}

bp_status bp_config_default(bp_config *cfg)
{
    bp_config own;
    BP_TRY(bp__sized_check(cfg, LEAST, "bp_config"));
    BP_TRY(set_defaults(&own));
    bp__sized_write(cfg, &own);
    return BP_OK;
}

bp_status bp_config_set(bp_config *cfg, const char *field, const char *value, const char *origin)
{
    bp_config own;
    const struct field *f = find_field(field);
    if (!f) BP_FAIL(BP_ENOTFOUND, "%s: there is no setting '%s'", origin, field);
    BP_TRY(bp__config_read(cfg, &own));
    if (!has_field(cfg, f))
        BP_FAIL(BP_ENOTFOUND, "%s: the program was compiled before there was a '%s': compile it anew", origin,
                field);
    BP_TRY(set_field(&own, f, value, origin));
    bp__sized_write(cfg, &own);
    return BP_OK;
}

/* The administrator's file ----------------------------------------------------------------------- */

/* Folders that bundles may be in, separated by colons; no field, since nobody else may choose them. */
#define ROOTS "roots"

static bp_status no_setting(const bp__conf_line *line, const char *origin)
{
    BP_FAIL(BP_EINVAL, "%s: there is no setting '%.60s'; 'optimizer --help' lists them", origin, line->name);
}

static bp_status set_from_line(bp_config *set, const bp__conf_line *line, const char *origin)
{
    const struct field *f = find_field(line->name);
    if (!f) return no_setting(line, origin);
    return set_field(set, f, line->value, origin);
}

/* @param[out] most  that a field may be */
static bp_status read_cap(const bp__conf_line *line, const char *origin, int64_t *most)
{
    const struct field *f = find_field(line->name);
    if (!f) return no_setting(line, origin);
    if (f->kind != NUMBER && f->kind != BYTES)
        BP_FAIL(BP_EINVAL, "%s: max %s: only numbers have a most%s", origin, f->name,
                strcmp(f->name, "root") == 0 ? "; 'roots = DIR:DIR' says which folders are allowed" : "");
    return set_number(f, line->value, origin, most);
}

/* Set what the file sets, and check all of its lines. */
static bp_status set_from_file(bp_config *set)
{
    const bp__conf *conf;
    BP_TRY(bp__conf_get(&conf));
    for (size_t i = 0; i < conf->count; i++) {
        const bp__conf_line *line = &conf->line[i];
        char origin[BP_PATH_MAX + 16];
        int64_t most;
        bp__conf_origin(conf, line, origin);
        if (line->is_cap)
            BP_TRY(read_cap(line, origin, &most));
        else if (strcmp(line->name, ROOTS) != 0)
            BP_TRY(set_from_line(set, line, origin));
    }
    return BP_OK;
}

/* -1 stands for any age. */
static bool is_above(const struct field *f, int64_t n, int64_t most)
{
    if (strcmp(f->name, "max_staleness_ms") == 0 && (n == -1 || most == -1)) return most != -1;
    return n > most;
}

static bp_status check_caps(const bp_config *cfg, const bp__conf *conf)
{
    for (size_t i = 0; i < conf->count; i++) {
        const bp__conf_line *line = &conf->line[i];
        const struct field *f = find_field(line->name);
        char origin[BP_PATH_MAX + 16];
        int64_t n, most;
        if (!line->is_cap) continue;
        BP_TRY(read_cap(line, bp__conf_origin(conf, line, origin), &most));
        memcpy(&n, (const char *)cfg + f->offset, sizeof n);
        if (is_above(f, n, most))
            BP_FAIL(BP_EINVAL, "%s: %lld is more than %lld, which is the most that %s allows", f->name,
                    (long long)n, (long long)most, origin);
    }
    return BP_OK;
}

/* Whether `path` is `folder`, or below it; both without links. */
static bool is_below(const char *path, const char *folder)
{
    const size_t n = strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0' || folder[n - 1] == '/');
}

static bp_status check_root(const char *root, const bp__conf *conf)
{
    const bp__conf_line *line = bp__conf_find(conf, ROOTS, false);
    char origin[BP_PATH_MAX + 16], folders[4096], *rest = NULL;
    if (!line) return BP_OK;
    bp__conf_origin(conf, line, origin);
    if (strlen(line->value) >= sizeof folders) BP_FAIL(BP_EINVAL, "%s: more than 4095 bytes", origin);
    strcpy(folders, line->value);
    char *real = realpath(root, NULL);
    if (!real)
        BP_FAIL_ERRNO(BP_EINVAL, errno, "root: %.200s: not found, so that it is in none of the folders of %s",
                      root, origin);
    bool allowed = false;
    for (char *folder = strtok_r(folders, ":", &rest); folder; folder = strtok_r(NULL, ":", &rest)) {
        char *real_folder = realpath(folder, NULL);
        allowed = allowed || (real_folder && is_below(real, real_folder));
        free(real_folder);
    }
    free(real);
    if (!allowed)
        BP_FAIL(BP_EINVAL, "root: %.200s: is in none of the folders that %s allows (%.160s)", root, origin,
                line->value);
    return BP_OK;
}

bool bp__config_memory_cap(uint64_t *bytes, char *origin, size_t size)
{
    const bp__conf *conf;
    char at[BP_PATH_MAX + 16];
    int64_t most;
    if (bp__conf_get(&conf) != BP_OK) return false;
    const bp__conf_line *line = bp__conf_find(conf, "pool_memory", true);
    if (!line || read_cap(line, bp__conf_origin(conf, line, at), &most) != BP_OK || most == 0) return false;
    *bytes = (uint64_t)most;
    snprintf(origin, size, "%s", at);
    return true;
}

bp_status bp__config_file_root(char root[BP_PATH_MAX])
{
    bp_config set;
    BP_TRY(set_defaults(&set));
    BP_TRY(set_from_file(&set));
    memcpy(root, set.root, sizeof set.root);
    return BP_OK;
}

bp_status bp_config_from_env(bp_config *cfg)
{
    static const struct {
        const char *variable, *field;
    } seed[] = {
        {"RUSTYBT_ENABLE_BUNDLE_POOLING", "enable_bundle_pooling"},
        {"RUSTYBT_MAX_BUNDLE_POOL_SIZE", "max_bundle_pool_size"},
    };
    bp_config set;
    BP_TRY(bp__config_read(cfg, &set));
    BP_TRY(set_from_file(&set));
    for (size_t i = 0; i < sizeof seed / sizeof *seed; i++) {
        const char *value = getenv(seed[i].variable);
        if (value) BP_TRY(bp_config_set(&set, seed[i].field, value, seed[i].variable));
    }
    for (int i = 0; i < NUM_FIELDS; i++) {
        if (!has_field(cfg, &fields[i])) continue;
        char variable[64] = "BUNDLEPOOL_";
        size_t n = strlen(variable);
        for (const char *p = fields[i].name; *p; p++)
            variable[n++] = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
        const char *value = getenv(variable);
        if (value) BP_TRY(set_field(&set, &fields[i], value, variable));
    }
    bp__sized_write(cfg, &set);
    return BP_OK;
}

bp_status bp_config_check(const bp_config *cfg)
{
    bp_config own;
    BP_TRY(bp__config_read(cfg, &own));
    for (int i = 0; i < NUM_FIELDS; i++) {
        const struct field *f = &fields[i];
        const char *at = place(&own, f);
        if (f->kind == NUMBER || f->kind == BYTES) {
            int64_t n;
            memcpy(&n, at, sizeof n);
            if (n < f->min || n > f->max)
                BP_FAIL(BP_EINVAL, "%s: %lld is out of range; allowed are %lld to %lld", f->name,
                        (long long)n, (long long)f->min, (long long)f->max);
        }
        if (f->kind == CHOICE) {
            unsigned choice, most = 0;
            memcpy(&choice, at, sizeof choice);
            while (f->choices[most]) most++;
            if (choice >= most) BP_FAIL(BP_EINVAL, "%s: %u is not a valid choice", f->name, choice);
        }
    }
    if (!memchr(own.root, '\0', sizeof own.root) || !own.root[0])
        BP_FAIL(BP_EINVAL, "root: empty, or longer than the %d bytes that are allowed", BP_PATH_MAX - 1);
    const bp__conf *conf;
    BP_TRY(bp__conf_get(&conf));
    BP_TRY(check_caps(&own, conf));
    return check_root(own.root, conf);
}

const char *bp__config_difference(const bp_config *a, const bp_config *b)
{
    for (int i = 0; i < NUM_FIELDS; i++) {
        const char *x = (const char *)a + fields[i].offset, *y = (const char *)b + fields[i].offset;
        bool equal = true;
        switch (fields[i].kind) {
        case BOOLEAN: equal = memcmp(x, y, sizeof(bool)) == 0; break;
        case NUMBER:
        case BYTES: equal = memcmp(x, y, sizeof(int64_t)) == 0; break;
        case CHOICE: /* each rank may log as it likes */
            equal = fields[i].choices == levels || fields[i].choices == formats ||
                    memcmp(x, y, sizeof(unsigned)) == 0;
            break;
        case TEXT: equal = strcmp(x, y) == 0; break;
        }
        if (!equal) return fields[i].name;
    }
    return NULL;
}

bool bp_config_should_use_pool(const bp_config *cfg)
{
    return cfg->enable_bundle_pooling;
}

bool bp__config_value(const bp_config *cfg, unsigned i, bp__setting *value)
{
    if (i >= NUM_FIELDS) return false;
    const struct field *f = &fields[i];
    const char *at = (const char *)cfg + f->offset;
    unsigned chosen;
    *value = (bp__setting){.kind = BP__SETTING_TEXT, .text = at};
    switch (f->kind) {
    case BOOLEAN:
        value->kind = BP__SETTING_BOOL;
        memcpy(&value->truth, at, sizeof value->truth);
        break;
    case NUMBER:
    case BYTES:
        value->kind = BP__SETTING_NUMBER;
        memcpy(&value->number, at, sizeof value->number);
        break;
    case CHOICE:
        memcpy(&chosen, at, sizeof chosen);
        value->text = f->choices[chosen];
        break;
    case TEXT: break;
    }
    return true;
}

bool bp_config_field(unsigned i, const char **name, const char **fallback, const char **help)
{
    if (i >= NUM_FIELDS) return false;
    *name = fields[i].name;
    *fallback = fields[i].fallback;
    *help = fields[i].help;
    return true;
}
