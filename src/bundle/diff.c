/* bundle diff: what has changed from one bundle to another. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bundle/changes.h"
#include "bundle/command.h"
#include "bundle/diff_rows.h"
#include "bundle/match.h"
#include "cli/locate.h"
#include "cli/program.h"
#include "core/direct.h"
#include "core/search.h"
#include "core/text.h"
#include "io/hdf5/h5read.h"
#include "reader/audit_columns.h"

static const char *const field_name[] = {"open", "high", "low", "close", "volume"};

static bool differ(double x, double y)
{
    return !(x == y || (isnan(x) && isnan(y)));
}

/* Assets and sessions ------------------------------------------------------------------------------ */

static void diff_assets(const bp__match *m, bp__changes *changes)
{
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < m->n[side]; i++) {
            const bp__party *p = &m->party[side][i];
            bp__change c = {.symbol = p->symbol, .sid = p->sid, .date = BP_TIME_MISSING};
            if (p->other == BP__NO_MATCH) {
                c.kind = side == 0 ? BP__CHANGE_ASSET_REMOVED : BP__CHANGE_ASSET_ADDED;
                bp__changes_add(changes, &c);
            } else if (side == 0 && strcmp(p->symbol, m->party[1][p->other].symbol) != 0) {
                c.kind = BP__CHANGE_ASSET_RENAMED;
                c.before = p->symbol;
                c.after = m->party[1][p->other].symbol;
                bp__changes_add(changes, &c);
            }
        }
}

/* Both ascend. */
static void diff_sessions(const bp_bundle *a, const bp_bundle *b, bp__changes *changes)
{
    const size_t n = bp_bundle_num_sessions(a), m = bp_bundle_num_sessions(b);
    const int64_t *x = bp_bundle_sessions(a), *y = bp_bundle_sessions(b);
    for (size_t i = 0, k = 0; i < n || k < m;) {
        const int64_t left = i < n ? x[i] : INT64_MAX, right = k < m ? y[k] : INT64_MAX;
        if (left != right)
            bp__changes_add(changes, &(bp__change){.kind = left < right ? BP__CHANGE_SESSION_REMOVED
                                                                        : BP__CHANGE_SESSION_ADDED,
                                                   .date = left < right ? left : right});
        i += i < n && left <= right;
        k += k < m && right <= left;
    }
}

/* Bars --------------------------------------------------------------------------------------------- */

/* Of one asset, in the sessions that both bundles have. */
static void diff_daily(const bp__match *m, const bp__party *p, bp__changes *changes)
{
    const bp_bundle *a = m->bundle[0], *b = m->bundle[1];
    const size_t n[2] = {bp_bundle_num_sessions(a), bp_bundle_num_sessions(b)};
    const int64_t *x = bp_bundle_sessions(a), *y = bp_bundle_sessions(b);
    size_t row[2];
    const bool there[2] = {bp_bundle_row(a, p->sid, &row[0]) == BP_OK,
                           bp_bundle_row(b, m->party[1][p->other].sid, &row[1]) == BP_OK};
    if (!there[0] && !there[1]) return;
    for (size_t i = 0, k = 0; i < n[0] && k < n[1];) {
        const int64_t left = x[i], right = y[k];
        for (int f = 0; f < 5 && left == right; f++) {
            const double none = f == 4 ? 0 : NAN;
            const bp_column column = (bp_column)(BP_COL_OPEN + f);
            const double old = there[0] ? bp_bundle_daily(a, column)[row[0] * n[0] + i] : none;
            const double new = there[1] ? bp_bundle_daily(b, column)[row[1] * n[1] + k] : none;
            if (differ(old, new))
                bp__changes_add_numbers(changes,
                                        (bp__change){.kind = BP__CHANGE_VALUE,
                                                     .symbol = p->symbol,
                                                     .sid = p->sid,
                                                     .date = left,
                                                     .field = field_name[f]},
                                        old, new);
        }
        i += left <= right;
        k += right <= left;
    }
}

/* The minute bars of a sid. */
typedef struct minutes {
    int64_t begin, end;
    const int64_t *dt;
    const double *value[5];
} minutes;

static minutes minutes_of(const bp_bundle *bundle, int64_t sid)
{
    size_t n;
    minutes x = {0};
    const int64_t *sids = bp__audit_column(bundle, BP_COL_MINUTE_SID, &n);
    const int64_t *offset = bp__audit_column(bundle, BP_COL_MINUTE_OFFSET, NULL);
    const size_t row = bp__first_from(sids, n, sid);
    if (row == n || sids[row] != sid) return x;
    x.begin = offset[row];
    x.end = offset[row + 1];
    x.dt = bp__audit_column(bundle, BP_COL_MINUTE_DT, NULL);
    for (int f = 0; f < 5; f++)
        x.value[f] = bp__audit_column(bundle, (bp_column)(BP_COL_MINUTE_OPEN + f), NULL);
    return x;
}

static void diff_minutes(const bp__match *m, const bp__party *p, bp__changes *changes)
{
    const minutes a = minutes_of(m->bundle[0], p->sid),
                  b = minutes_of(m->bundle[1], m->party[1][p->other].sid);
    for (int64_t i = a.begin, k = b.begin; i < a.end || k < b.end;) {
        const int64_t left = i < a.end ? a.dt[i] : INT64_MAX, right = k < b.end ? b.dt[k] : INT64_MAX;
        bp__change c = {.symbol = p->symbol, .sid = p->sid, .date = left < right ? left : right};
        if (left != right) {
            c.kind = left < right ? BP__CHANGE_MINUTE_REMOVED : BP__CHANGE_MINUTE_ADDED;
            bp__changes_add(changes, &c);
        }
        for (int f = 0; f < 5 && left == right; f++) {
            c.kind = BP__CHANGE_MINUTE_VALUE;
            c.field = field_name[f];
            if (differ(a.value[f][i], b.value[f][k]))
                bp__changes_add_numbers(changes, c, a.value[f][i], b.value[f][k]);
        }
        i += i < a.end && left <= right;
        k += k < b.end && right <= left;
    }
}

/* All of it ---------------------------------------------------------------------------------------- */

static bp_status compare(const bp_bundle *a, const bp_bundle *b, bp__changes *changes)
{
    bp__match m;
    bp_status s = bp__match_init(a, b, &m);
    if (s == BP_OK) {
        diff_assets(&m, changes);
        diff_sessions(a, b, changes);
        for (size_t i = 0; i < m.n[0]; i++) {
            if (m.party[0][i].other == BP__NO_MATCH) continue;
            diff_daily(&m, &m.party[0][i], changes);
            diff_minutes(&m, &m.party[0][i], changes);
        }
        s = bp__diff_rows(&m, changes);
    }
    bp__match_fini(&m);
    return s;
}

/* Two bundles of one content are equal, whatever they are called and however their files store them. */
static bp_status compare_contents(const bp_bundle *a, const bp_bundle *b, bp__changes *changes)
{
    bp_version v[2] = {bp_version_init(), bp_version_init()};
    bp_status s = bp_bundle_version(a, &v[0]);
    if (s == BP_OK) s = bp_bundle_version(b, &v[1]);
    if (s == BP_OK && strcmp(v[0].content_hash, v[1].content_hash) != 0) {
        s = compare(a, b, changes);
        if (s == BP_OK && bp__changes_total(changes) == 0)
            bp__changes_add(changes, &(bp__change){.kind = BP__CHANGE_OTHER,
                                                   .date = BP_TIME_MISSING,
                                                   .field = "content_hash",
                                                   .before = v[0].content_hash,
                                                   .after = v[1].content_hash});
    }
    bp_version_fini(&v[0]);
    bp_version_fini(&v[1]);
    return s;
}

static void print_counts(const bp__target target[2], const bp__changes *changes)
{
    for (size_t k = 0; k < BP__NUM_CHANGES; k++)
        if (changes->count[k] > changes->most)
            bp__text_line(stdout, "and %" PRIu64 " more %s", changes->count[k] - changes->most,
                          bp__change_name[k]);
    const uint64_t n = bp__changes_total(changes);
    if (n == 0)
        bp__text_line(stdout, "%s and %s: equal", target[0].path, target[1].path);
    else
        bp__text_line(stdout, "%s and %s: %" PRIu64 " difference%s", target[0].path, target[1].path, n,
                      n == 1 ? "" : "s");
}

static void json_counts(bp__json *j, const bp__changes *changes)
{
    bp__json_open(j, "counts", '{');
    for (size_t k = 0; k < BP__NUM_CHANGES; k++)
        if (changes->count[k] > 0) bp__json_int(j, bp__change_name[k], (int64_t)changes->count[k]);
    bp__json_close(j, '}');
    bp__json_bool(j, "equal", bp__changes_total(changes) == 0);
}

static bp_status tell(const bp__command_line *line, const bp__target target[2],
                      const bp_bundle *const bundle[2])
{
    bp__json json = {.file = stdout}, *j = line->json ? &json : NULL;
    bp__changes changes = {.most = line->most, .json = j};
    if (j) {
        bp__json_open(j, NULL, '{');
        bp__json_text(j, "a", target[0].path);
        bp__json_text(j, "b", target[1].path);
        bp__json_open(j, "changes", '[');
    }
    bp_status s = compare_contents(bundle[0], bundle[1], &changes);
    if (j) {
        bp__json_close(j, ']');
        if (s == BP_OK) json_counts(j, &changes);
        bp__json_close(j, '}');
    } else if (s == BP_OK) {
        print_counts(target, &changes);
    }
    if (bp__changes_total(&changes) > 0) *line->code = BP__EXIT_FAILED;
    return s;
}

bp_status bp__run_diff(const void *command_line)
{
    const bp__command_line *line = command_line;
    bp__target target[2];
    const bp_bundle *bundle[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) BP_TRY(bp__target_find(line->arg[i], line->root, &target[i]));
    bp_status s = BP_OK;
    for (int i = 0; i < 2 && s == BP_OK; i++)
        s = bp__direct_load(bp__h5_loader(), target[i].root, target[i].name, &bundle[i]);
    if (s == BP_OK) s = tell(line, target, bundle);
    for (int i = 0; i < 2; i++)
        if (bundle[i]) bp_bundle_release(&bundle[i]);
    return s;
}
