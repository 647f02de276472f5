#include "io/ingest/sqlite.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/text.h"

/* No symbol or name of a company is as long. */
#define TEXT_MOST (1 << 20)

static bp_status db_error(const bp__db *db, const char *what)
{
    const int code = sqlite3_errcode(db->handle);
    if (code == SQLITE_NOMEM) BP_FAIL(BP_ENOMEM, "%s: no memory to read it", db->path);
    if (code == SQLITE_IOERR) BP_FAIL(BP_EIO, "%s: cannot be read: %s", db->path, sqlite3_errmsg(db->handle));
    BP_FAIL(BP_EFORMAT, "%s: %s: %s", db->path, what, sqlite3_errmsg(db->handle));
}

/* Opening --------------------------------------------------------------------------------------- */

/* A writer that was interrupted leaves a journal; one that keeps a log has its newest rows there. */
static bp_status check_beside(const bp__sealed *sealed, const char *name)
{
    static const struct {
        const char *suffix, *what, *command;
    } beside[] = {{"-wal", "changes that are not in the file yet", "PRAGMA wal_checkpoint(TRUNCATE)"},
                  {"-journal", "an interrupted change", "PRAGMA schema_version"}};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        char *path = NULL;
        struct stat st;
        if (asprintf(&path, "%s/%s%s", sealed->root, name, beside[i].suffix) < 0)
            BP_FAIL(BP_ENOMEM, "%s: no memory", name);
        const bool there = lstat(path, &st) == 0 && !(S_ISREG(st.st_mode) && st.st_size == 0);
        free(path);
        if (there)
            BP_FAIL(BP_EFORMAT, "%s/%s: %s%s lies beside it and has %s; run: sqlite3 %s '%s'", sealed->root,
                    name, name, beside[i].suffix, beside[i].what, name, beside[i].command);
    }
    return BP_OK;
}

/* As the part of a URI: what has a meaning there is escaped. */
static char *make_uri(const char *path)
{
    static const char hex[] = "0123456789abcdef";
    char *uri = malloc(3 * strlen(path) + sizeof "file:?immutable=1");
    char *to = uri;
    if (!uri) return NULL;
    to = stpcpy(to, "file:");
    for (const unsigned char *c = (const unsigned char *)path; *c; c++) {
        if (*c != '%' && *c != '?' && *c != '#') {
            *to++ = (char)*c;
            continue;
        }
        *to++ = '%';
        *to++ = hex[*c >> 4];
        *to++ = hex[*c & 15];
    }
    strcpy(to, "?immutable=1");
    return uri;
}

/* Pages that are used twice could be read without an end: nothing is read before all of it is known to be
 * sound. */
static bp_status check_pages(const bp__db *db)
{
    sqlite3_stmt *check;
    if (sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &check, NULL) != SQLITE_OK)
        return db_error(db, "not a sound SQLite database");
    bp_status s = BP_OK;
    if (sqlite3_step(check) != SQLITE_ROW)
        s = db_error(db, "not a sound SQLite database");
    else if (strcmp((const char *)sqlite3_column_text(check, 0), "ok") != 0)
        s = bp__fail(BP_EFORMAT, "%s: the database is damaged: %.200s", db->path,
                     bp__text_clean((char *)(uintptr_t)sqlite3_column_text(check, 0)));
    sqlite3_finalize(check);
    return s;
}

static bp_status open_handle(bp__db *db)
{
    char *uri = make_uri(db->path);
    if (!uri) BP_FAIL(BP_ENOMEM, "%s: no memory", db->path);
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    const int code = sqlite3_open_v2(uri, &db->handle, flags, NULL);
    free(uri);
    if (!db->handle) BP_FAIL(BP_ENOMEM, "%s: no memory", db->path);
    if (code != SQLITE_OK) return db_error(db, "cannot be opened as a database");
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, TEXT_MOST);
    return check_pages(db);
}

bp_status bp__db_open(bp__sealed *sealed, const char *name, bp__db *db)
{
    *db = (bp__db){0};
    BP_TRY(bp__sealed_path(sealed, name, &db->path));
    bp_status s = check_beside(sealed, name);
    if (s == BP_OK) s = open_handle(db);
    if (bp__failed(s)) bp__db_close(db);
    return s;
}

void bp__db_close(bp__db *db)
{
    sqlite3_close(db->handle);
    free(db->path);
    *db = (bp__db){0};
}

/* Schema ---------------------------------------------------------------------------------------- */

bp_status bp__db_has_table(const bp__db *db, const char *table, bool *there)
{
    static const char query[] = "SELECT type, rootpage FROM sqlite_master WHERE name = ?1 COLLATE NOCASE "
                                "AND type IN ('table', 'view')";
    sqlite3_stmt *look;
    if (sqlite3_prepare_v2(db->handle, query, -1, &look, NULL) != SQLITE_OK)
        return db_error(db, "its list of tables cannot be read");
    bp_status s = BP_OK;
    sqlite3_bind_text(look, 1, table, -1, SQLITE_STATIC);
    const int code = sqlite3_step(look);
    *there = code == SQLITE_ROW;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        s = db_error(db, "its list of tables cannot be read");
    else if (*there && sqlite3_column_int64(look, 1) <= 0)
        s = bp__fail(BP_EFORMAT, "%s: %s is a view or a virtual table, where a table should be", db->path,
                     table);
    sqlite3_finalize(look);
    return s;
}

bp_status bp__db_has_column(const bp__db *db, const char *table, const char *column, bool *there)
{
    static const char query[] = "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2 COLLATE NOCASE";
    sqlite3_stmt *look;
    if (sqlite3_prepare_v2(db->handle, query, -1, &look, NULL) != SQLITE_OK)
        return db_error(db, "the columns of a table cannot be read");
    sqlite3_bind_text(look, 1, table, -1, SQLITE_STATIC);
    sqlite3_bind_text(look, 2, column, -1, SQLITE_STATIC);
    const int code = sqlite3_step(look);
    *there = code == SQLITE_ROW;
    sqlite3_finalize(look);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return db_error(db, "the columns of a table cannot be read");
    return BP_OK;
}

/* Rows ------------------------------------------------------------------------------------------ */

static bp_status prepare(const bp__db *db, const char *table, const char *const *column, size_t n,
                         sqlite3_stmt **statement)
{
    sqlite3_str *query = sqlite3_str_new(db->handle);
    for (size_t i = 0; i < n; i++) sqlite3_str_appendf(query, "%s\"%w\"", i ? ", " : "SELECT ", column[i]);
    /* in the order of the table itself: an index has to be trusted for nothing */
    sqlite3_str_appendf(query, " FROM \"%w\" NOT INDEXED", table);
    char *text = sqlite3_str_finish(query);
    if (!text) BP_FAIL(BP_ENOMEM, "%s: no memory", db->path);
    const int code = sqlite3_prepare_v2(db->handle, text, -1, statement, NULL);
    sqlite3_free(text);
    return code == SQLITE_OK ? BP_OK : db_error(db, table);
}

bp_status bp__db_rows_open(const bp__db *db, const char *table, const char *const *column, size_t n,
                           bp__db_rows *rows)
{
    bool there;
    *rows = (bp__db_rows){.db = db, .table = table};
    BP_TRY(bp__db_has_table(db, table, &there));
    if (!there) BP_FAIL(BP_EFORMAT, "%s: has no table %s", db->path, table);
    for (size_t i = 0; i < n; i++) { /* SQLite would take a quoted name without a column for a text */
        BP_TRY(bp__db_has_column(db, table, column[i], &there));
        if (!there) BP_FAIL(BP_EFORMAT, "%s: %s has no column %s", db->path, table, column[i]);
        rows->column[i] = column[i];
    }
    return prepare(db, table, column, n, &rows->statement);
}

void bp__db_rows_close(bp__db_rows *rows)
{
    sqlite3_finalize(rows->statement);
    *rows = (bp__db_rows){0};
}

bp_status bp__db_next(bp__db_rows *rows, bool *there)
{
    const int code = sqlite3_step(rows->statement);
    *there = code == SQLITE_ROW;
    rows->row++;
    if (code == SQLITE_ROW || code == SQLITE_DONE) return BP_OK;
    if (code == SQLITE_NOMEM) BP_FAIL(BP_ENOMEM, "%s: no memory to read it", rows->db->path);
    BP_FAIL(BP_EFORMAT, "%s: %s, row %" PRIu64 ": cannot be read: %s", rows->db->path, rows->table, rows->row,
            sqlite3_errmsg(rows->db->handle));
}

bp_status bp__db_defect(const bp__db_rows *rows, int column, const char *what)
{
    BP_FAIL(BP_EFORMAT, "%s: %s, row %" PRIu64 ", column %s: %s", rows->db->path, rows->table, rows->row,
            rows->column[column], what);
}

bp_status bp__db_integer(const bp__db_rows *rows, int column, const int64_t *null, int64_t *value)
{
    double real;
    switch (sqlite3_column_type(rows->statement, column)) {
    case SQLITE_INTEGER: *value = sqlite3_column_int64(rows->statement, column); return BP_OK;
    case SQLITE_NULL:
        if (!null) return bp__db_defect(rows, column, "is NULL");
        *value = *null;
        return BP_OK;
    case SQLITE_FLOAT: /* a column of whole numbers with a NaN in it becomes one of real numbers in pandas */
        real = sqlite3_column_double(rows->statement, column);
        if (!(fabs(real) <= 0x1p63 && real < 0x1p63) || real != trunc(real))
            return bp__db_defect(rows, column, "is a real number where a whole one should be");
        *value = (int64_t)real;
        return BP_OK;
    case SQLITE_TEXT: return bp__db_defect(rows, column, "is a text where a whole number should be");
    default: return bp__db_defect(rows, column, "is bytes where a whole number should be");
    }
}

bp_status bp__db_real(const bp__db_rows *rows, int column, double *value)
{
    const int type = sqlite3_column_type(rows->statement, column);
    if (type == SQLITE_NULL) return bp__db_defect(rows, column, "is NULL");
    if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) return bp__db_defect(rows, column, "is not a number");
    *value = sqlite3_column_double(rows->statement, column);
    return isfinite(*value) ? BP_OK : bp__db_defect(rows, column, "is infinite");
}

bp_status bp__db_text(const bp__db_rows *rows, int column, const char **text)
{
    const int type = sqlite3_column_type(rows->statement, column);
    *text = "";
    if (type == SQLITE_NULL) return BP_OK;
    if (type != SQLITE_TEXT) return bp__db_defect(rows, column, "is not a text");
    *text = (const char *)sqlite3_column_text(rows->statement, column);
    if (!*text) BP_FAIL(BP_ENOMEM, "%s: no memory to read it", rows->db->path);
    if (strlen(*text) != (size_t)sqlite3_column_bytes(rows->statement, column))
        return bp__db_defect(rows, column, "has a NUL in it");
    for (const char *c = *text; *c;) {
        const int length = bp__utf8_length(c);
        if (length == 0) return bp__db_defect(rows, column, "is not UTF-8");
        c += length;
    }
    return BP_OK;
}
