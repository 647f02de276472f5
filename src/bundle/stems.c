#include "bundle/stems.h"

#include <inttypes.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_STEM  100
#define MAX_TAIL  40 /* "-SID" and "~COUNT" */
#define SAFE      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define MAX_TRIES 1000

static int by_folded(const void *a, const void *b)
{
    return strcasecmp(a, b);
}

/* Names that DOS and its heirs keep for themselves, with any suffix: CON, NUL.csv, COM1 … */
static bool is_device(const char *symbol)
{
    static const char *const devices[] = {"CON", "PRN", "AUX", "NUL", "COM", "LPT"};
    const size_t n = strcspn(symbol, ".");
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (strncasecmp(symbol, devices[i], 3) == 0 &&
            (i < 4 ? n == 3 : n == 4 && symbol[3] >= '0' && symbol[3] <= '9'))
            return true;
    return false;
}

static bool is_safe(const char *symbol)
{
    const size_t n = strlen(symbol);
    return n > 0 && n <= MAX_STEM && strspn(symbol, SAFE) == n && !strchr("._-", symbol[0]) &&
           symbol[n - 1] != '.' && !is_device(symbol);
}

static int by_symbol(const void *a, const void *b)
{
    return strcasecmp((*(const bp__stem_of *const *)a)->symbol, (*(const bp__stem_of *const *)b)->symbol);
}

/* Mark the symbols that no other asset has, in any case of letters. */
static bp_status find_unique(const bp__stem_of *asset, size_t n, bool *unique)
{
    const bp__stem_of **sorted = calloc(n + 1, sizeof *sorted);
    if (!sorted) BP_FAIL(BP_ENOMEM, "no memory for the names of %zu files", n);
    for (size_t i = 0; i < n; i++) sorted[i] = &asset[i];
    qsort(sorted, n, sizeof *sorted, by_symbol);
    for (size_t i = 0; i < n; i++) {
        const bool before = i > 0 && by_symbol(&sorted[i - 1], &sorted[i]) == 0;
        const bool behind = i + 1 < n && by_symbol(&sorted[i], &sorted[i + 1]) == 0;
        unique[sorted[i] - asset] = !before && !behind;
    }
    free(sorted);
    return BP_OK;
}

/* What is safe of a symbol, "-", and the sid; then a count, until nobody has that name. */
static bp_status invent(bp__stem_of *asset, void **taken)
{
    char safe[MAX_STEM - MAX_TAIL + 1], stem[MAX_STEM + 1];
    size_t n = strnlen(asset->symbol, sizeof safe - 1);
    for (size_t i = 0; i < n; i++) {
        const char c = asset->symbol[i]; /* no dots: what is before one could be a device */
        safe[i] = c != '.' && strchr(SAFE, c) ? c : '_';
    }
    safe[n] = '\0';
    const char *start = safe + strspn(safe, "._-");
    for (int i = 1; i < MAX_TRIES; i++) {
        int length = snprintf(stem, sizeof stem, "%s-%" PRId64, *start ? start : "asset", asset->sid);
        if (i > 1) snprintf(stem + length, sizeof stem - (size_t)length, "-%d", i);
        if (tfind(stem, taken, by_folded)) continue;
        asset->stem = strdup(stem);
        if (asset->stem && tsearch(asset->stem, taken, by_folded)) return BP_OK;
        break;
    }
    BP_FAIL(BP_ENOMEM, "no memory for the name of the file of sid %" PRId64, asset->sid);
}

static void leave(void *stem)
{
    (void)stem; /* the assets own them */
}

/* Those that can keep their symbols come first, so that nobody takes one away. */
static bp_status name_all(bp__stem_of *asset, size_t n, const bool *unique, void **taken)
{
    for (size_t i = 0; i < n; i++) {
        if (!unique[i] || !is_safe(asset[i].symbol)) continue;
        asset[i].stem = strdup(asset[i].symbol);
        if (!asset[i].stem || !tsearch(asset[i].stem, taken, by_folded))
            BP_FAIL(BP_ENOMEM, "no memory for the names of %zu files", n);
    }
    for (size_t i = 0; i < n; i++)
        if (!asset[i].stem) BP_TRY(invent(&asset[i], taken));
    return BP_OK;
}

bp_status bp__stems_make(bp__stem_of *asset, size_t n)
{
    void *taken = NULL;
    bool *unique = calloc(n + 1, sizeof *unique);
    if (!unique) BP_FAIL(BP_ENOMEM, "no memory for the names of %zu files", n);
    bp_status s = find_unique(asset, n, unique);
    if (s == BP_OK) s = name_all(asset, n, unique, &taken);
    tdestroy(taken, leave);
    free(unique);
    return s;
}

void bp__stems_free(bp__stem_of *asset, size_t n)
{
    for (size_t i = 0; i < n; i++) free(asset[i].stem);
}
