#include "http/web_root.h"

#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int web_root_open(struct web_root *root, const char *directory)
{
    *root = (struct web_root){.descriptor = -1};
    errno = ENAMETOOLONG;
    if (strlen(directory) >= WEB_ROOT_MOST / 2)
        return -1;
    if (*directory != '/') {
        if (getcwd(root->path, WEB_ROOT_MOST / 2) == NULL)
            return -1;
        strcat(root->path, "/");
    }
    strcat(root->path, directory);
    return web_root_find(root) == -1 ? -1 : 0;
}

int web_root_find(struct web_root *root)
{
    struct stat about;

    /* While the old directory is open, no other gets its number. */
    if (stat(root->path, &about) == 0 && root->descriptor != -1 &&
        about.st_dev == root->device && about.st_ino == root->inode)
        return root->descriptor;
    web_root_close(root);
    root->descriptor = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root->descriptor == -1 || fstat(root->descriptor, &about) == -1)
        return -1;
    root->descriptor = descriptor_move_up(root->descriptor);
    root->device = about.st_dev;
    root->inode = about.st_ino;
    return root->descriptor;
}

void web_root_close(struct web_root *root)
{
    if (root->descriptor != -1)
        close(root->descriptor);
    root->descriptor = -1;
}
