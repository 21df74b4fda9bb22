/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/nfc/busy.c over made-up trees of sysfs, proc and dev.
 */
#include "daemon/nfc/busy.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define DEVICE "sys/bus/usb/devices/1-2"

static void
put(const char *root, const char *path, const char *text)
{
    g_autofree char *full = g_build_filename(root, path, NULL);
    g_autofree char *dir = g_path_get_dirname(full);

    g_mkdir_with_parents(dir, 0700);
    g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static void
put_reader(const char *root, const char *vendor, const char *product)
{
    put(root, DEVICE "/idVendor", vendor);
    put(root, DEVICE "/idProduct", product);
    put(root, DEVICE "/busnum", "1\n");
    put(root, DEVICE "/devnum", "12\n");
    put(root, DEVICE "/1-2:1.0/bInterfaceNumber", "00\n");
}

static void
bind_driver(const char *root, const char *driver)
{
    g_autofree char *link = g_build_filename(root, DEVICE "/1-2:1.0/driver", NULL);
    g_autofree char *target = g_strdup_printf("../../../../bus/usb/drivers/%s", driver);

    g_assert_cmpint(symlink(target, link), ==, 0);
}

static void
remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        if (g_file_test(inner, G_FILE_TEST_IS_DIR) &&
            !g_file_test(inner, G_FILE_TEST_IS_SYMLINK))
            remove_tree(inner);
        else
            g_unlink(inner);
    }
    g_rmdir(path);
}

static void
expect(const char *root, ehp_status status, const char *word)
{
    char detail[200];

    g_assert_cmpint(ehd_nfc_usb_verdict(root, detail, sizeof detail), ==, status);
    g_test_message("%s", detail);
    g_assert_nonnull(strstr(detail, word));
}

static char *
new_root(void)
{
    char *root = g_dir_make_tmp("ehr-busy-XXXXXX", NULL);

    g_assert_nonnull(root);
    return root;
}

static void
test_none(void)
{
    g_autofree char *root = new_root();

    expect(root, EHP_NO_READER, "no USB reader");
    put_reader(root, "1d6b\n", "0002\n"); /* a hub */
    expect(root, EHP_NO_READER, "no USB reader");
    remove_tree(root);
}

static void
test_kernel_module(void)
{
    g_autofree char *root = new_root();

    put_reader(root, "04cc\n", "2533\n");
    bind_driver(root, "pn533_usb");
    expect(root, EHP_READER_BUSY, "kernel module holds the reader: pn533_usb");
    remove_tree(root);
}

static void
test_pcscd(void)
{
    g_autofree char *root = new_root();

    put_reader(root, "072f\n", "2200\n");
    put(root, "proc/1/comm", "systemd\n");
    put(root, "proc/4711/comm", "pcscd\n");
    expect(root, EHP_READER_BUSY, "pcscd");
    remove_tree(root);
}

static void
test_other_program(void)
{
    g_autofree char *root = new_root();

    put_reader(root, "072F\n", "90CC\n");
    bind_driver(root, "usbfs");
    expect(root, EHP_READER_BUSY, "another program");
    remove_tree(root);
}

static void
test_permission_and_mute(void)
{
    g_autofree char *root = new_root();

    put_reader(root, "04e6\n", "5591\n");
    expect(root, EHP_NO_READER, "ehrlink-nfc");
    put(root, "dev/bus/usb/001/012", "");
    expect(root, EHP_READER_MUTE, "does not answer");
    remove_tree(root);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nfc/busy/none", test_none);
    g_test_add_func("/nfc/busy/kernel-module", test_kernel_module);
    g_test_add_func("/nfc/busy/pcscd", test_pcscd);
    g_test_add_func("/nfc/busy/other-program", test_other_program);
    g_test_add_func("/nfc/busy/permission-and-mute", test_permission_and_mute);
    return g_test_run();
}
