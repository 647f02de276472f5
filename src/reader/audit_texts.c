/* Texts of a bundle: characters that no name has, but that change what a terminal or a page shows. */
#include <stdlib.h>
#include <string.h>

#include "core/bundle.h"
#include "core/text.h"
#include "reader/audit_columns.h"

const char *bp__audit_text_problem(const char *text)
{
    while (*text) {
        const unsigned char *s = (const unsigned char *)text;
        const int n = bp__utf8_length(text);
        if (n == 0) return "is not UTF-8";
        if (s[0] < ' ' || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0))
            return "has control characters in it";
        if (bp__is_control(text))
            return "has characters in it that end a line or turn the direction of writing";
        text += n;
    }
    return NULL;
}

static void check_text(const bp_bundle *bundle, bp__findings *findings, int64_t sid, const char *name,
                       const char *text)
{
    const char *problem = bp__audit_text_problem(text);
    if (problem)
        bp__findings_add(findings, BP__FOUND_TEXT, sid,
                         sid == BP__NO_SID ? "" : bp__audit_symbol(bundle, sid), BP_TIME_MISSING,
                         (double)strlen(text), 1, "its %s %s: '%.100s'", name, problem, text);
}

static void check_column(const bp_bundle *bundle, bp__findings *findings, bp_column owners, bp_column texts,
                         const char *name)
{
    size_t n, m;
    const int64_t *sid = bp__audit_column(bundle, owners, &n);
    const uint32_t *offset = bp__audit_column(bundle, texts, &m);
    for (size_t i = 0; sid && offset && i < n && i < m; i++)
        check_text(bundle, findings, sid[i], name, bp_bundle_text(bundle, offset[i]));
}

/* Three capital letters, as ISO 4217 has them. */
static void check_currencies(const bp_bundle *bundle, bp__findings *findings)
{
    size_t n;
    const char *code = bp__audit_column(bundle, BP_COL_CURRENCY, &n);
    const int64_t *sid = bp_bundle_sids(bundle);
    for (size_t i = 0; code && i < n && i < bp_bundle_num_assets(bundle); i++, code += 3) {
        bool good = true;
        for (int k = 0; k < 3; k++) good &= code[k] >= 'A' && code[k] <= 'Z';
        if (!good)
            bp__findings_add(findings, BP__FOUND_CURRENCY, sid[i], bp__audit_symbol(bundle, sid[i]),
                             BP_TIME_MISSING, 1, 1, "its currency, '%.3s', is no code of ISO 4217", code);
    }
}

void bp__audit_texts(const bp_bundle *bundle, bp__findings *findings)
{
    check_text(bundle, findings, BP__NO_SID, "schema version", bundle->image->schema_version);
    check_text(bundle, findings, BP__NO_SID, "calendar name", bundle->image->calendar_name);
    check_column(bundle, findings, BP_COL_ASSET_SID, BP_COL_ASSET_SYMBOL, "symbol");
    check_column(bundle, findings, BP_COL_ASSET_SID, BP_COL_ASSET_NAME, "name");
    check_column(bundle, findings, BP_COL_ASSET_SID, BP_COL_ASSET_EXCHANGE, "exchange");
    check_column(bundle, findings, BP_COL_MAP_SID, BP_COL_MAP_SYMBOL, "symbol, in the mappings,");
    check_currencies(bundle, findings);
}
