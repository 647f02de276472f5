/** @file src/cli/same.h
 * Whether two names on a command line are one file: what is written must never be what is read.
 *
 * By device and inode, not by name: "./a", "b/../a", a symbolic link and a hard link are the file `a`. A file that is not
 * there yet is known by its folder and its name.
 */
#ifndef BP_CLI_SAME_H
#define BP_CLI_SAME_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct bp__file_id {
    dev_t device;
    ino_t inode;             /**< of the file, or of the folder that it would be in */
    char name[NAME_MAX + 1]; /**< of a file that is not there; "": it is */
    bool known;              /**< false: it is not there, nor is its folder */
} bp__file_id;

/** Look at a file. Links are followed. */
bp__file_id bp__file_id_of(const char *path);

/** Whether both are one file. One that is not known is no other. */
bool bp__same_id(const bp__file_id *a, const bp__file_id *b);

/** The same of two paths. */
bool bp__same_file(const char *a, const char *b);

#endif
