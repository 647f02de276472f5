/** @file src/core/conf.h
 * The administrator's file: which lines it has. What they mean is for config.c.
 *
 *     # a comment
 *     NAME = VALUE
 *     max NAME = VALUE
 *
 * Blanks around names and values do not count; a # behind a value belongs to it. The file is that which
 * BUNDLEPOOL_CONF names, which must be there, or else BP__CONF_PATH, which may be absent. A process reads it
 * once.
 */
#ifndef BP_CORE_CONF_H
#define BP_CORE_CONF_H

#include <stddef.h>

#include <bundlepool/config.h>

#include "core/status.h"

#define BP__CONF_PATH  "/etc/bundlepool.conf"
#define BP__CONF_LINES 128   /* with something on them */
#define BP__CONF_BYTES 65536 /* of the whole file */

typedef struct bp__conf_line {
    const char *name, *value; /**< in the file's text */
    bool is_cap;              /**< "max" stood before it */
    int number;
} bp__conf_line;

typedef struct bp__conf {
    char path[BP_PATH_MAX]; /**< "": there is none */
    char text[BP__CONF_BYTES + 1];
    bp__conf_line line[BP__CONF_LINES];
    size_t count;
} bp__conf;

/** Read a file. @param[in] may_lack  whether it may be absent
 *  @retval BP_EINVAL  a line cannot be understood, or says what another one has said; the text has file and line
 *  @retval BP_EIO     it cannot be read */
bp_status bp__conf_read(const char *path, bool may_lack, bp__conf *conf);

/** That of this process: static, the same ever after, as is the failure. @retval as of bp__conf_read() */
bp_status bp__conf_get(const bp__conf **conf);

/** "FILE:LINE", for texts. @return `text` */
const char *bp__conf_origin(const bp__conf *conf, const bp__conf_line *line, char text[BP_PATH_MAX + 16]);

/** The line that says it, or NULL. */
const bp__conf_line *bp__conf_find(const bp__conf *conf, const char *name, bool is_cap);

#endif
