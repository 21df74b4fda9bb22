/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks through sysfs for the readers that libnfc drives. libnfc itself says only "not opened";
 * on real machines the reason is nearly always the kernel's pn533_usb, or pcscd (facts of
 * Debian: the modules are blacklisted, yet a loaded one still holds the reader).
 */
#include "daemon/nfc/busy.h"

#include "daemon/words.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The tables of libnfc 1.8.0: drivers pn53x_usb and acr122_usb. */
static const char *const readers[] = {
    "04cc:0531", "04cc:2533", "04e6:5591", "04e6:5594", "054c:0193",
    "1fd3:0608", "054c:02e1", "072f:2200", "072f:90cc", "072f:2214",
};

/* First line of a small file; "" if there is none. */
static void
read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");

    line[0] = '\0';
    if (!file)
        return;
    if (fgets(line, size, file))
        line[strcspn(line, "\n")] = '\0';
    else
        line[0] = '\0';
    fclose(file);
}

static void
read_attribute(const char *device, const char *name, char *value, int size)
{
    char path[PATH_MAX];

    value[0] = '\0';
    if (snprintf(path, sizeof path, "%s/%s", device, name) < (int)sizeof path)
        read_line(path, value, size);
}

static bool
is_reader(const char *device)
{
    char vendor[8], product[8], id[20];

    read_attribute(device, "idVendor", vendor, sizeof vendor);
    read_attribute(device, "idProduct", product, sizeof product);
    snprintf(id, sizeof id, "%s:%s", vendor, product);
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (!strcasecmp(id, readers[i]))
            return true;
    }
    return false;
}

/* The driver bound to the device's first interface ("1-2:1.0"); "" if none. */
static void
bound_driver(const char *device, char *driver, size_t size)
{
    const char *name = strrchr(device, '/') + 1;
    char path[PATH_MAX], target[PATH_MAX];
    ssize_t len;

    driver[0] = '\0';
    if (snprintf(path, sizeof path, "%s/%s:1.0/driver", device, name) >= (int)sizeof path)
        return;
    len = readlink(path, target, sizeof target - 1);
    if (len <= 0)
        return;
    target[len] = '\0';
    const char *base = strrchr(target, '/');
    snprintf(driver, size, "%.40s", base ? base + 1 : target);
}

/* A sandbox may hide other processes; then this says no. */
static bool
pcscd_runs(const char *root)
{
    char path[PATH_MAX], name[32];
    struct dirent *entry;
    bool found = false;

    snprintf(path, sizeof path, "%s/proc", root);
    DIR *proc = opendir(path);
    while (proc && !found && (entry = readdir(proc))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "%s/proc/%.32s/comm", root, entry->d_name);
        read_line(path, name, sizeof name);
        found = !strcmp(name, "pcscd");
    }
    if (proc)
        closedir(proc);
    return found;
}

static bool
may_open(const char *root, const char *device)
{
    char bus[8], number[8], path[PATH_MAX];

    read_attribute(device, "busnum", bus, sizeof bus);
    read_attribute(device, "devnum", number, sizeof number);
    snprintf(path, sizeof path, "%s/dev/bus/usb/%03d/%03d", root, atoi(bus), atoi(number));
    return access(path, R_OK | W_OK) == 0;
}

static ehp_status
verdict_on(const char *root, const char *device, char *detail, size_t size)
{
    char driver[64];

    bound_driver(device, driver, sizeof driver);
    if (driver[0] && strcmp(driver, "usbfs")) {
        snprintf(detail, size, N_("a kernel module holds the reader") ": %s", driver);
        return EHP_READER_BUSY;
    }
    if (pcscd_runs(root)) {
        snprintf(detail, size, N_("pcscd holds the reader"));
        return EHP_READER_BUSY;
    }
    if (driver[0]) {
        snprintf(detail, size, N_("another program holds the reader (perhaps pcscd)"));
        return EHP_READER_BUSY;
    }
    if (!may_open(root, device)) {
        snprintf(detail, size,
                 N_("no permission to open the reader (it wants the group ehrlink-nfc)"));
        return EHP_NO_READER;
    }
    snprintf(detail, size, N_("the USB reader does not answer"));
    return EHP_READER_MUTE;
}

ehp_status
ehd_nfc_usb_verdict(const char *root, char *detail, size_t size)
{
    char path[PATH_MAX];
    struct dirent *entry;
    ehp_status status = EHP_NO_READER;

    snprintf(detail, size, N_("no USB reader is plugged in; a serial one must be configured"));
    snprintf(path, sizeof path, "%s/sys/bus/usb/devices", root);
    DIR *devices = opendir(path);
    while (devices && (entry = readdir(devices))) {
        char device[PATH_MAX];
        int len =
            snprintf(device, sizeof device, "%s/sys/bus/usb/devices/%s", root, entry->d_name);
        if (entry->d_name[0] == '.' || len >= (int)sizeof device || !is_reader(device))
            continue;
        status = verdict_on(root, device, detail, size);
        break;
    }
    if (devices)
        closedir(devices);
    return status;
}
