/** @file tests/support/other_fs.h
 * File systems that this machine does not have. A program that is linked with this file has functions of its own in place
 * of the C library's stat(), fstat(), fstatat(), open(), openat() and statfs().
 */
#ifndef BP_TESTS_OTHER_FS_H
#define BP_TESTS_OTHER_FS_H

typedef enum other_fs {
    OTHER_FS_NONE, /**< everything is as it is */
    OTHER_FS_SECONDS, /**< times of files are whole seconds, as on Lustre; the type is that of a local file system */
    OTHER_FS_NFS, /**< stat() goes on telling what it told first, until the file is opened; the type is NFS' */
} other_fs;

/** Whatever was remembered of files is forgotten. Threads: one, while no other uses files. */
void other_fs_be(other_fs kind);

#endif
