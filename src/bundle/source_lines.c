#include "bundle/source_lines.h"

#include "core/day.h"
#include "core/text.h"
#include "io/hdf5/h5origin.h"

#define NOTE_MOST 4400 /* a path, and a sentence */

void bp__source_text_note(const char *path, const char *bundle)
{
    char note[NOTE_MOST];
    if (bp__h5_source_note(path, bundle, note, sizeof note)) bp__text_line(stdout, "note: %s", note);
}

void bp__source_text(const char *path, const char *bundle)
{
    bp__origin origin;
    char time[32];
    if (bp__failed(bp__h5_origin(path, &origin))) return;
    if (*origin.source)
        bp__text_line(stdout, "%-24s%s, %s, of %s", "source", origin.source, origin.path,
                      bp__time_text(origin.time, time));
    bp__origin_fini(&origin);
    bp__source_text_note(path, bundle);
}

void bp__source_json(bp__json *j, const char *path)
{
    static const char *const state[] = {"unknown", "same", "newer", "gone"};
    bp__origin origin = {0};
    if (bp__failed(bp__h5_origin(path, &origin)) || !*origin.source) {
        bp__origin_fini(&origin);
        bp__json_raw(j, "source", "null");
        return;
    }
    bp__json_open(j, "source", '{');
    bp__json_text(j, "kind", origin.source);
    bp__json_text(j, "path", origin.path);
    bp__json_text(j, "options", origin.options);
    bp__json_int(j, "time", origin.time);
    bp__json_int(j, "files", (int64_t)origin.files);
    bp__json_text(j, "content", origin.content);
    bp__json_text(j, "state", state[bp__source_compare(&origin)]);
    bp__json_close(j, '}');
    bp__origin_fini(&origin);
}
