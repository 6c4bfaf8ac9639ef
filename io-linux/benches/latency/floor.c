/* The floor: raw rtnetlink, a stamp right after each message, and nothing else.
 *
 *     floor NEAR EXTRA     prints "TIME what" for these links, by index, and for every address
 *     floor NEAR other     where `other` is a name: sets that link up as soon as NEAR has no carrier; then "TIME down"
 *                          is the loss and "TIME moved" the moment when the kernel says that the other one runs
 */
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

unsigned int if_nametoindex(const char *name);

static void tell(long long at, const char *what)
{
	printf("%lld %s\n", at, what);
	fflush(stdout);
}

static void set_up(const char *name)
{
	static int fd = -1;
	struct ifreq request = { 0 };
	if (fd < 0)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	ioctl(fd, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP;
	ioctl(fd, SIOCSIFFLAGS, &request);
}

int main(int argc, char **argv)
{
	static char buffer[32768];
	if (argc != 3)
		return 2;
	int near = atoi(argv[1]), extra = atoi(argv[2]);
	const char *other = extra ? NULL : argv[2];
	int other_index = other ? (int)if_nametoindex(other) : 0;
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct timespec now;
		ssize_t length = recv(fd, buffer, sizeof buffer, 0);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (length <= 0)
			continue;
		long long at = now.tv_sec * 1000000000LL + now.tv_nsec;
		for (struct nlmsghdr *message = (void *)buffer; NLMSG_OK(message, length);
		     message = NLMSG_NEXT(message, length)) {
			struct ifinfomsg *link = NLMSG_DATA(message);
			int is_new = message->nlmsg_type == RTM_NEWLINK;
			if (message->nlmsg_type == RTM_NEWADDR || message->nlmsg_type == RTM_DELADDR) {
				tell(at, "address");
			} else if (is_new && link->ifi_index == near) {
				int is_running = link->ifi_flags & IFF_RUNNING;
				if (other && !is_running)
					set_up(other);
				tell(at, is_running ? "up" : "down");
			} else if (is_new && other && link->ifi_index == other_index) {
				if (link->ifi_flags & IFF_RUNNING)
					tell(at, "moved");
			} else if (link->ifi_index == extra) {
				tell(at, is_new ? "new" : "gone");
			}
		}
	}
}
