#include "io/ingest/zipline_parts.h"

#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "core/search.h"

#define MINUTE_NS INT64_C(60000000000)

/* Look-ups -------------------------------------------------------------------------------------- */

const bp__zipline_asset *bp__zipline_asset_of(const bp__zipline *z, int64_t sid)
{
    size_t low = 0, high = z->assets.n;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (z->assets.row[mid].sid < sid)
            low = mid + 1;
        else
            high = mid;
    }
    return low < z->assets.n && z->assets.row[low].sid == sid ? &z->assets.row[low] : NULL;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool bp__zipline_is_known(const bp__zipline *z, int64_t sid)
{
    return z->known.n > 0 && bsearch(&sid, z->known.row, z->known.n, sizeof sid, by_number);
}

/* Errors begin with the path of a file, which is what a report sorts by. */
bp_status bp__zipline_report(bp__zipline *z, bp_status s)
{
    const char *text = bp_error_text(), *root = z->folder.root;
    const size_t length = strlen(root);
    if (s != BP_EFORMAT) return s;
    const char *end = strncmp(text, root, length) == 0 ? strstr(text + length, ": ") : NULL;
    char *path = end ? strndup(text, (size_t)(end - text)) : strdup(root);
    if (!path) BP_FAIL(BP_ENOMEM, "%s: no memory to report what is wrong with it", root);
    bp__report_add(z->in->report, BP__ERROR, path, 0, "%s", end ? end + 2 : text);
    free(path);
    return BP_OK;
}

size_t bp__zipline_find_session(const bp__zipline_calendar *calendar, int64_t day)
{
    return bp__first_from(calendar->session.row, calendar->session.n, day);
}

/* Hours ----------------------------------------------------------------------------------------- */

bool bp__zipline_hours(const bp__zipline *z, int64_t session, int64_t *open, int64_t *close)
{
    const bp__zipline_minutes *m = &z->minutes;
    *open = *close = BP_TIME_MISSING;
    size_t low = 0, high = m->sessions;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (bp__day_of(m->close[mid]) < session)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == m->sessions || bp__day_of(m->close[low]) != session) {
        if (!z->hours) return false;
        return bp__calendar_hours(z->hours, session, open, close) && bp__calendar_knows(z->hours, session);
    }
    /* zipline's market_open is the label of the first minute: where that minute begins, the session opens */
    *open = m->open[low] % (5 * MINUTE_NS) == MINUTE_NS ? m->open[low] - MINUTE_NS : m->open[low];
    *close = m->close[low];
    return true;
}
