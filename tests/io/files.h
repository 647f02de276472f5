/** @file tests/io/files.h
 * A folder for the files of a test. Threads: any.
 */
#ifndef TESTS_IO_FILES_H
#define TESTS_IO_FILES_H

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stddef.h>

/** Make a folder, run every test of a list, and remove the folder with all that is in it. @return exit code */
int files_main(const char *name, CU_TestInfo *tests);

const char *files_folder(void);

/** Path of a file there; good until the thread asks for the fourth one after it. */
const char *files_path(const char *name);

/** How many there are, hidden ones as well. */
size_t files_count(void);

/** All of a file; free(). NULL: there is none. */
char *files_read(const char *name, size_t *size);

/** Both are there, not empty, and the same. */
bool files_equal(const char *a, const char *b);

#endif
