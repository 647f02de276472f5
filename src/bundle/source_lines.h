/** @file src/bundle/source_lines.h
 * What `bundle info` and `bundle verify` say of a bundle's source.
 */
#ifndef BP_BUNDLE_SOURCE_LINES_H
#define BP_BUNDLE_SOURCE_LINES_H

#include "core/json.h"

/** Lines "source: …" and, if it has changed, "note: …"; none where the file does not tell.
 *  @param[in] bundle  how `bundle sync` would be told which bundle */
void bp__source_text(const char *path, const char *bundle);

/** Only the note. */
void bp__source_text_note(const char *path, const char *bundle);

/** "source": {…}, or null. */
void bp__source_json(bp__json *j, const char *path);

#endif
