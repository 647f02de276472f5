/** @file src/door/source.h
 * Whether what a bundle was made from has changed since, for who knows a bundle by its root and name.
 */
#ifndef BP_DOOR_SOURCE_H
#define BP_DOOR_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

/** What is to be said about a bundle's source, in words. Looks at files and reads none; any thread.
 *  @return false if there is nothing to say */
bool bp__door_source_note(const char *root, const char *name, char *text, size_t size);

#endif
