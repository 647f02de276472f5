#include "core/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLANKS " \t\r"

const char *bp__conf_origin(const bp__conf *conf, const bp__conf_line *line, char text[BP_PATH_MAX + 16])
{
    snprintf(text, BP_PATH_MAX + 16, "%s:%d", conf->path, line->number);
    return text;
}

const bp__conf_line *bp__conf_find(const bp__conf *conf, const char *name, bool is_cap)
{
    for (size_t i = 0; i < conf->count; i++)
        if (conf->line[i].is_cap == is_cap && strcmp(conf->line[i].name, name) == 0) return &conf->line[i];
    return NULL;
}

/* Without the blanks at both ends; in place. */
static char *trim(char *text)
{
    text += strspn(text, BLANKS);
    size_t n = strlen(text);
    while (n > 0 && strchr(BLANKS, text[n - 1])) n--;
    text[n] = '\0';
    return text;
}

static bp_status add_line(bp__conf *conf, char *text, int number)
{
    text = trim(text);
    if (text[0] == '\0' || text[0] == '#') return BP_OK;
    if (conf->count == BP__CONF_LINES)
        BP_FAIL(BP_EINVAL, "%s:%d: more than %d settings", conf->path, number, BP__CONF_LINES);
    char *equals = strchr(text, '=');
    if (!equals)
        BP_FAIL(BP_EINVAL, "%s:%d: no '='; a line is NAME = VALUE, or max NAME = VALUE", conf->path, number);
    *equals = '\0';
    char *name = trim(text);
    const bool is_cap = strncmp(name, "max", 3) == 0 && name[3] && strchr(BLANKS, name[3]);
    if (is_cap) name = trim(name + 3);
    const bp__conf_line line = {name, trim(equals + 1), is_cap, number};
    if (!*line.name || !*line.value)
        BP_FAIL(BP_EINVAL, "%s:%d: a %s is missing", conf->path, number, *line.name ? "value" : "name");
    const bp__conf_line *other = bp__conf_find(conf, name, is_cap);
    if (other)
        BP_FAIL(BP_EINVAL, "%s:%d: %s%.60s is in line %d already", conf->path, number, is_cap ? "max " : "",
                name, other->number);
    conf->line[conf->count++] = line;
    return BP_OK;
}

/* @param[out] bytes  how long the text is */
static bp_status read_text(bp__conf *conf, int fd, size_t *bytes)
{
    *bytes = 0;
    while (*bytes <= BP__CONF_BYTES) {
        const ssize_t n = read(fd, conf->text + *bytes, sizeof conf->text - *bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be read", conf->path);
        if (n == 0) break;
        *bytes += (size_t)n;
    }
    if (*bytes > BP__CONF_BYTES) BP_FAIL(BP_EINVAL, "%s: has more than %d bytes", conf->path, BP__CONF_BYTES);
    if (memchr(conf->text, '\0', *bytes)) BP_FAIL(BP_EINVAL, "%s: is no text", conf->path);
    conf->text[*bytes] = '\0';
    return BP_OK;
}

bp_status bp__conf_read(const char *path, bool may_lack, bp__conf *conf)
{
    size_t bytes;
    conf->count = 0;
    if (strlen(path) >= sizeof conf->path)
        BP_FAIL(BP_EINVAL, "BUNDLEPOOL_CONF: %.40s...: too long a path", path);
    strcpy(conf->path, path);
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && may_lack && errno == ENOENT) return conf->path[0] = '\0', BP_OK;
    if (fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: settings cannot be read", path);
    bp_status s = read_text(conf, fd, &bytes);
    close(fd);
    int number = 0;
    for (char *rest = conf->text; s == BP_OK && rest;) s = add_line(conf, strsep(&rest, "\n"), ++number);
    return s;
}

/* Of this process --------------------------------------------------------------------------------- */

static bp__conf own;
static bp_status own_status;
static char own_text[BP_ERROR_TEXT_MAX];

static void read_own(void)
{
    const char *path = getenv("BUNDLEPOOL_CONF");
    own_status = path && !*path
                     ? bp__fail(BP_EINVAL, "BUNDLEPOOL_CONF: empty; name a file, or /dev/null for none")
                     : bp__conf_read(path ? path : BP__CONF_PATH, !path, &own);
    if (bp__failed(own_status)) snprintf(own_text, sizeof own_text, "%s", bp_error_text());
}

bp_status bp__conf_get(const bp__conf **conf)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_own);
    *conf = &own;
    return bp__failed(own_status) ? bp__fail_text(own_status, own_text) : BP_OK;
}
