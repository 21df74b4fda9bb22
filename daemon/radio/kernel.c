/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's Bluetooth sockets by libbluetooth's headers. BT_SECURITY is set before the
 * connect: an RFCOMM socket's default asks for more than we rely on and could raise a prompt.
 */
#include "daemon/radio/kernel.h"

#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>
#include <bluetooth/hci_lib.h>
#include <bluetooth/rfcomm.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NO_INDEX        0xffff
#define CONTROL_CHANNEL 3

/* BD_ADDR is least significant byte first in the kernel. */
static void
turn_around(bdaddr_t *to, const uint8_t from[6])
{
    for (int i = 0; i < 6; i++)
        to->b[i] = from[5 - i];
}

static int
fail(int fd)
{
    int error = errno;

    close(fd);
    return -error;
}

static int
kernel_connect(const uint8_t own[6], const uint8_t peer[6], uint8_t channel)
{
    struct sockaddr_rc local = {.rc_family = AF_BLUETOOTH};
    struct sockaddr_rc remote = {.rc_family = AF_BLUETOOTH, .rc_channel = channel};
    struct bt_security security = {.level = BT_SECURITY_LOW};
    int fd =
        socket(AF_BLUETOOTH, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, BTPROTO_RFCOMM);

    if (fd < 0)
        return -errno;
    turn_around(&local.rc_bdaddr, own);
    turn_around(&remote.rc_bdaddr, peer);
    if (setsockopt(fd, SOL_BLUETOOTH, BT_SECURITY, &security, sizeof security) < 0 ||
        bind(fd, (struct sockaddr *)&local, sizeof local) < 0)
        return fail(fd);
    if (connect(fd, (struct sockaddr *)&remote, sizeof remote) < 0 && errno != EINPROGRESS)
        return fail(fd);
    return fd;
}

static int
kernel_result(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

static int
kernel_management(void)
{
    struct sockaddr_hci address = {
        .hci_family = AF_BLUETOOTH, .hci_dev = NO_INDEX, .hci_channel = CONTROL_CHANNEL};
    int fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, BTPROTO_HCI);

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return fail(fd);
    return fd;
}

static int
kernel_adapter(const uint8_t own[6])
{
    static const uint8_t any[6];
    bdaddr_t wanted;
    char text[18];
    int index;

    turn_around(&wanted, own);
    ba2str(&wanted, text);
    index = memcmp(own, any, sizeof any) == 0 ? hci_get_route(NULL) : hci_devid(text);
    return index < 0 ? -ENODEV : index;
}

const EhdRadioKernel ehd_radio_kernel = {
    .connect = kernel_connect,
    .result = kernel_result,
    .management = kernel_management,
    .adapter = kernel_adapter,
};
