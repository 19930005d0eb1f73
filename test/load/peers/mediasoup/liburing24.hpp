// What the worker uses of liburing 2.4, for liburing 2.3.
#pragma once

#include <liburing.h>

inline int io_uring_major_version()
{
	return 2;
}

inline int io_uring_minor_version()
{
	return 3;
}

inline void io_uring_prep_sendto(
  io_uring_sqe* sqe, int fd, const void* data, size_t size, int flags, const sockaddr* to, socklen_t length)
{
	io_uring_prep_send(sqe, fd, data, size, flags);
	io_uring_prep_send_set_addr(sqe, to, static_cast<__u16>(length));
}
