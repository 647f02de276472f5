#include "bundle/changes.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <bundlepool/bundle.h>

#include "core/day.h"
#include "core/number.h"
#include "core/text.h"

const char *const bp__change_name[BP__NUM_CHANGES] = {
#define X(id, name, words) [BP__CHANGE_##id] = (name),
    BP__CHANGE_MAP(X)
#undef X
};

const char *const bp__change_words[BP__NUM_CHANGES] = {
#define X(id, name, words) [BP__CHANGE_##id] = (words),
    BP__CHANGE_MAP(X)
#undef X
};

static void put_text(bp__json *j, const char *key, const char *text, bool number)
{
    if (text && number)
        bp__json_raw(j, key, text);
    else if (text)
        bp__json_text(j, key, text);
    else
        bp__json_raw(j, key, "null");
}

static void put_json(bp__json *j, const bp__change *c)
{
    char time[32];
    bp__json_open(j, NULL, '{');
    bp__json_text(j, "kind", bp__change_name[c->kind]);
    put_text(j, "symbol", c->symbol, false);
    if (c->symbol)
        bp__json_int(j, "sid", c->sid);
    else
        bp__json_raw(j, "sid", "null");
    put_text(j, "date", c->date == BP_TIME_MISSING ? NULL : bp__time_text(c->date, time), false);
    put_text(j, "field", c->field, false);
    put_text(j, "old", c->before, c->numbers);
    put_text(j, "new", c->after, c->numbers);
    bp__json_close(j, '}');
}

/* "value changed: AAPL 2020-01-06 close: 10 -> 10.5" */
static void put_line(const bp__change *c)
{
    char time[32] = "", values[400] = "";
    const bool is_event = c->kind >= BP__CHANGE_EVENT_ADDED && c->kind <= BP__CHANGE_EVENT_CHANGED;
    const char *field = is_event || !c->field ? "" : c->field;
    if (c->date != BP_TIME_MISSING) bp__time_text(c->date, time);
    if (strchr(time, ':')) strcat(time, " UTC");
    const bool both = (c->before && c->after) || c->kind == BP__CHANGE_CALENDAR || c->numbers ||
                      (c->kind == BP__CHANGE_ASSET_CHANGED && (c->before || c->after));
    if (both)
        snprintf(values, sizeof values, ": %s -> %s", c->before ? c->before : "none",
                 c->after ? c->after : "none");
    else if (c->before || c->after)
        snprintf(values, sizeof values, ": %s", c->before ? c->before : c->after);
    bp__text_line(stdout, "%s%s%s: %s%s%s%s%s%s", is_event ? c->field : "", is_event ? " " : "",
                  bp__change_words[c->kind], c->symbol ? c->symbol : "", c->symbol && *time ? " " : "", time,
                  (c->symbol || *time) && *field ? " " : "", field, values);
}

void bp__changes_add(bp__changes *changes, const bp__change *change)
{
    if (changes->count[change->kind]++ >= changes->most) return;
    if (changes->json)
        put_json(changes->json, change);
    else
        put_line(change);
}

/* For people: what is stored is x times a factor, whose last bits are of no interest. */
static bool shorten(double before, double after, char old[32], char new[32])
{
    snprintf(old, 32, "%.10g", before);
    snprintf(new, 32, "%.10g", after);
    return strcmp(old, new) != 0;
}

void bp__changes_add_numbers(bp__changes *changes, bp__change change, double before, double after)
{
    char old[32], new[32];
    if (changes->json || !shorten(before, after, old, new)) {
        if (!isnan(before)) bp__number_text(before, old);
        if (!isnan(after)) bp__number_text(after, new);
    }
    change.before = isnan(before) ? NULL : old;
    change.after = isnan(after) ? NULL : new;
    change.numbers = true;
    bp__changes_add(changes, &change);
}

uint64_t bp__changes_total(const bp__changes *changes)
{
    uint64_t total = 0;
    for (size_t k = 0; k < BP__NUM_CHANGES; k++) total += changes->count[k];
    return total;
}
