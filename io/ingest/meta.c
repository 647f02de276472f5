#include "io/ingest/meta.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* First and last row, and the offset in the calendar, of a million assets. */
#define VALUES_MOST ((size_t)4 << 20)

/* Each value takes some ten times the room of its text once it is read. Commas in texts count as well: there are none in
 * what bcolz and zipline write. */
static bp_status check_values(const bp__sealed *sealed, const char *name, const char *bytes, size_t size)
{
    size_t values = 0;
    for (const char *p = bytes, *end = bytes + size; (p = memchr(p, ',', (size_t)(end - p))); p++) values++;
    if (values > VALUES_MOST)
        BP_FAIL(BP_EFORMAT, "%s/%s: more than %zu values", sealed->root, name, VALUES_MOST);
    return BP_OK;
}

bp_status bp__meta_load(bp__sealed *sealed, const char *name, bp__meta *meta)
{
    char *bytes;
    size_t size;
    json_error_t error;
    *meta = (bp__meta){.root = sealed->root};
    BP_TRY(bp__sealed_load(sealed, name, BP__META_MOST, &bytes, &size));
    bp_status s = check_values(sealed, name, bytes, size);
    if (bp__failed(s)) {
        free(bytes);
        return s;
    }
    meta->name = strdup(name);
    meta->object = meta->name ? json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error) : NULL;
    free(bytes);
    if (!meta->name)
        s = bp__fail(BP_ENOMEM, "%s/%s: no memory", sealed->root, name);
    else if (!meta->object)
        s = bp__fail(BP_EFORMAT, "%s/%s:%d: not JSON: %s", sealed->root, name, error.line, error.text);
    else if (!json_is_object(meta->object))
        s = bp__fail(BP_EFORMAT, "%s/%s: not a JSON object", sealed->root, name);
    if (bp__failed(s)) bp__meta_free(meta);
    return s;
}

void bp__meta_free(bp__meta *meta)
{
    json_decref(meta->object);
    free(meta->name);
    *meta = (bp__meta){0};
}

static const char *type_name(json_type type)
{
    static const char *const name[] = {"an object", "a list", "a text", "a whole number",
                                       "a number",  "true",   "false",  "null"};
    return name[type];
}

bp_status bp__meta_get(const bp__meta *meta, const char *key, json_type type, const json_t **value)
{
    *value = json_object_get(meta->object, key);
    if (!*value) BP_FAIL(BP_EFORMAT, "%s/%s: has no '%s'", meta->root, meta->name, key);
    if (json_typeof(*value) != type)
        BP_FAIL(BP_EFORMAT, "%s/%s: '%s' is %s, not %s", meta->root, meta->name, key,
                type_name(json_typeof(*value)), type_name(type));
    return BP_OK;
}

bp_status bp__meta_integer(const bp__meta *meta, const char *key, int64_t min, int64_t max, int64_t *value)
{
    const json_t *found;
    BP_TRY(bp__meta_get(meta, key, JSON_INTEGER, &found));
    *value = json_integer_value(found);
    if (*value < min || *value > max)
        BP_FAIL(BP_EFORMAT, "%s/%s: '%s' is %" PRId64 ", not within %" PRId64 " and %" PRId64, meta->root,
                meta->name, key, *value, min, max);
    return BP_OK;
}

bp_status bp__meta_integers(const bp__meta *meta, const char *key, int64_t **number, size_t *n)
{
    const json_t *list;
    BP_TRY(bp__meta_get(meta, key, JSON_ARRAY, &list));
    *n = json_array_size(list);
    *number = malloc((*n + 1) * sizeof **number);
    if (!*number) BP_FAIL(BP_ENOMEM, "%s/%s: no memory for '%s'", meta->root, meta->name, key);
    for (size_t i = 0; i < *n; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_integer(item)) {
            free(*number);
            *number = NULL;
            BP_FAIL(BP_EFORMAT, "%s/%s: item %zu of '%s' is %s, not a whole number", meta->root, meta->name,
                    i + 1, key, type_name(json_typeof(item)));
        }
        (*number)[i] = json_integer_value(item);
    }
    return BP_OK;
}

bool bp__meta_sid(const char *text, int64_t *sid)
{
    const size_t length = strlen(text);
    *sid = 0;
    if (length == 0 || length > 18 || strspn(text, "0123456789") != length) return false;
    for (const char *digit = text; *digit; digit++) *sid = 10 * *sid + (*digit - '0');
    return true;
}
