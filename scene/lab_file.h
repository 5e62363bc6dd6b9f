/*
 * lab_file: where the scenes of a lab lie.
 */
#ifndef SCENE_LAB_FILE_H
#define SCENE_LAB_FILE_H

#include "scene/bytes.h"

/*
 * Writes the path of a lab's file to `path`, which is empty. It need not be there.
 *
 * A lab with a slash in it is the path itself. Otherwise the file is LAB.lab in the
 * directory that the environment variable GRADE_DIR names. Without that, it is in the first
 * of these directories where it can be read: ../grade, seen from the program, as in the
 * tree; ../share/netlab/grade or ../../share/netlab/grade, as `make install` lays them out;
 * grade, here. `self` is the program's argv[0].
 */
void lab_file_find(struct bytes *path, const char *lab, const char *self);

#endif
