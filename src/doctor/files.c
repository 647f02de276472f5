/* What looks into bundle files, their folder, and the settings. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/config.h"
#include "core/identity.h"
#include "core/version.h"
#include "doctor/probes.h"
#include "io/parser/place.h"

extern char **environ;

void bp__look_parser(const bp__subject *subject, bp__remark *f)
{
    char path[PATH_MAX];
    (void)subject;
    if (bp__parser_is_inline()) {
        bp__remark_that(f, BP__GOOD,
                        "inline: the ranks look into bundle files themselves, as " BP__PARSER_VARIABLE
                        " says; for files that are trusted");
        return;
    }
    const bp_status s = bp__parser_try(path, sizeof path);
    if (s == BP_OK) {
        bp__remark_that(f, BP__GOOD, "%.200s: answers, and is of this build, %s", path, bp_version_string());
        return;
    }
    const char *named = getenv(BP__PARSER_VARIABLE);
    bp__remark_that(f, BP__BAD, "%s", bp_error_text());
    if (named && *named)
        bp__advise(f, "name the " BP__PARSER_PROGRAM " of this installation in " BP__PARSER_VARIABLE
                      ", or unset that");
    else if (s != BP_ENOTFOUND) /* whose text says what to do */
        bp__advise(f, "install it again, together with the library");
}

void bp__look_bundles(const bp__subject *subject, bp__remark *f)
{
    struct stat st;
    const char *root = subject->cfg.root;
    if (stat(root, &st) != 0) {
        const bool missing = errno == ENOENT;
        bp__remark_that(f, missing ? BP__WARN : BP__BAD, "%.200s: %s", root,
                        missing ? "there is no such folder" : strerror(errno));
        bp__advise(f, "name the folder of the bundles by --root or BUNDLEPOOL_ROOT");
        return;
    }
    if (!S_ISDIR(st.st_mode) || access(root, R_OK | X_OK) != 0) {
        bp__remark_that(f, BP__BAD, "%.200s: %s", root,
                        S_ISDIR(st.st_mode) ? "this user may not read it" : "it is not a folder");
        bp__advise(f, S_ISDIR(st.st_mode) ? "change its permissions"
                                          : "name another by --root or BUNDLEPOOL_ROOT");
        return;
    }
    const bp__filesystem fs = bp__filesystem_at(root);
    if (fs.fine)
        bp__remark_that(f, BP__GOOD, "%.200s: %s, whose times tell every rewrite", root, fs.name);
    else
        bp__remark_that(
            f, BP__GOOD,
            "%.200s: %s, whose times are taken for coarse: a bundle that was just written is loaded when "
            "it is %d s old",
            root, fs.name, (int)(BP__SETTLE_COARSE_NS / 1000000000));
}

/* Settings ----------------------------------------------------------------------------------------- */

/* "BUNDLEPOOL_POOL_MEMORY" for the field pool_memory. */
static bool is_field(const char *variable, size_t length)
{
    const char *name, *fallback, *help;
    for (unsigned i = 0; bp_config_field(i, &name, &fallback, &help); i++) {
        size_t k = 0;
        while (k < length && name[k] && (variable[k] | 0x20) == (name[k] | 0x20)) k++;
        if (k == length && !name[k]) return true;
    }
    return false;
}

/* Whether a variable that looks like one of ours is one. `name` stands behind "BUNDLEPOOL_". */
static bool is_known(const char *name, size_t length)
{
    static const char *const others[] = {"STATUS_FD", "FAULT", "CONF", "PARSER"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strlen(others[i]) == length && strncmp(name, others[i], length) == 0) return true;
    return is_field(name, length);
}

static const char *find_stray(size_t *length)
{
    static const char prefix[] = "BUNDLEPOOL_";
    for (char **v = environ; *v; v++) {
        *length = strcspn(*v, "=");
        const size_t n = sizeof prefix - 1;
        if (strncmp(*v, prefix, n) == 0 && !is_known(*v + n, *length - n)) return *v;
    }
    return NULL;
}

/* Those that differ from the defaults, as "pool_memory=1073741824 root=/data". */
static void put_settings(const bp_config *cfg, char *text, size_t size)
{
    bp_config fallback = bp_config_init();
    bp__setting is, was;
    const char *name, *default_text, *help;
    size_t used = 0;
    text[0] = '\0';
    if (bp_config_default(&fallback) != BP_OK) return;
    for (unsigned i = 0; bp_config_field(i, &name, &default_text, &help); i++) {
        if (!bp__config_value(cfg, i, &is) || !bp__config_value(&fallback, i, &was)) return;
        char value[128];
        if (is.kind == BP__SETTING_TEXT)
            snprintf(value, sizeof value, "%.120s", is.text);
        else if (is.kind == BP__SETTING_NUMBER)
            snprintf(value, sizeof value, "%lld", (long long)is.number);
        else
            snprintf(value, sizeof value, "%s", is.truth ? "true" : "false");
        const bool same = is.kind == BP__SETTING_TEXT     ? strcmp(is.text, was.text) == 0
                          : is.kind == BP__SETTING_NUMBER ? is.number == was.number
                                                          : is.truth == was.truth;
        if (same || used >= size) continue;
        const int n = snprintf(text + used, size - used, "%s%s=%s", used > 0 ? " " : "", name, value);
        used += n > 0 ? (size_t)n : 0;
    }
}

void bp__look_settings(const bp__subject *subject, bp__remark *f)
{
    bp_config cfg = bp_config_init();
    const bp__conf *conf;
    char text[sizeof f->value - 128];
    size_t length;
    bp_status s = bp_config_default(&cfg);
    if (s == BP_OK) s = bp_config_from_env(&cfg); /* again, for its text */
    if (bp__failed(s)) {
        bp__remark_that(f, BP__BAD, "%s", bp_error_text());
        return;
    }
    const char *stray = find_stray(&length);
    if (stray) {
        bp__remark_that(f, BP__WARN, "%.*s is set, and is no setting", length > 80 ? 80 : (int)length, stray);
        bp__advise(f, "see how it is spelt in 'optimizer --help'");
        return;
    }
    put_settings(&subject->cfg, text, sizeof text);
    const bool has_file = bp__conf_get(&conf) == BP_OK && conf->path[0];
    bp__remark_that(f, BP__GOOD, "%s%s%.120s", text[0] ? text : "the defaults", has_file ? "; file " : "",
                    has_file ? conf->path : "");
}
