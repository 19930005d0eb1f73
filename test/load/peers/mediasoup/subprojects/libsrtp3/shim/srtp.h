// The part of libsrtp 3's API that mediasoup uses, over libsrtp 2.
#pragma once
#include_next <srtp.h>

#include <cstddef>
#include <cstring>
#include <memory>

// Errors that libsrtp 2 never reports.
constexpr auto srtp_err_status_buffer_small = static_cast<srtp_err_status_t>(28);
constexpr auto srtp_err_status_cryptex_err  = static_cast<srtp_err_status_t>(29);

// A policy that functions fill; the one of libsrtp 2 is a struct that its user fills.
struct srtp3_policy
{
	srtp_policy_t policy;
	unsigned char key[SRTP_MAX_KEY_LEN];
};
using srtp3_policy_t = srtp3_policy*;

inline srtp_err_status_t srtp_policy_create(srtp3_policy_t* p)
{
	*p = new srtp3_policy{};
	return srtp_err_status_ok;
}

inline void srtp_policy_destroy(srtp3_policy_t p)
{
	delete p;
}

inline srtp_err_status_t srtp_policy_set_ssrc(srtp3_policy_t p, srtp_ssrc_t ssrc)
{
	p->policy.ssrc = ssrc;
	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_profile(srtp3_policy_t p, srtp_profile_t profile)
{
	const srtp_err_status_t err = srtp_crypto_policy_set_from_profile_for_rtp(&p->policy.rtp, profile);
	return err != srtp_err_status_ok ? err : srtp_crypto_policy_set_from_profile_for_rtcp(&p->policy.rtcp, profile);
}

inline srtp_err_status_t srtp_policy_add_key(
  srtp3_policy_t p, const uint8_t* key, size_t keyLen, const uint8_t* salt, size_t saltLen, const uint8_t*, size_t)
{
	if (keyLen + saltLen > sizeof(p->key))
	{
		return srtp_err_status_bad_param;
	}

	std::memcpy(p->key, key, keyLen);
	std::memcpy(p->key + keyLen, salt, saltLen);
	p->policy.key = p->key;
	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_allow_repeat_tx(srtp3_policy_t p, bool allow)
{
	p->policy.allow_repeat_tx = allow;
	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_window_size(srtp3_policy_t p, size_t size)
{
	p->policy.window_size = size;
	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_create(srtp_t* session, srtp3_policy_t p)
{
	return srtp_create(session, &p->policy);
}

inline srtp_err_status_t srtp_stream_remove(srtp_t session, uint32_t ssrc)
{
	return srtp_remove_stream(session, ssrc);
}

// Packets go from one buffer to another; libsrtp 2 works in place.
template<srtp_err_status_t (*InPlace)(srtp_t, void*, int*)>
inline srtp_err_status_t srtp3_copied(srtp_t session, const uint8_t* in, size_t len, uint8_t* out, size_t* outLen)
{
	if (in != out)
	{
		std::memcpy(out, in, len);
	}

	int n                       = static_cast<int>(len);
	const srtp_err_status_t err = InPlace(session, out, &n);

	*outLen = static_cast<size_t>(n);
	return err;
}

inline srtp_err_status_t srtp_protect(srtp_t s, const uint8_t* in, size_t len, uint8_t* out, size_t* outLen, size_t)
{
	return srtp3_copied<srtp_protect>(s, in, len, out, outLen);
}

inline srtp_err_status_t srtp_unprotect(srtp_t s, const uint8_t* in, size_t len, uint8_t* out, size_t* outLen)
{
	return srtp3_copied<srtp_unprotect>(s, in, len, out, outLen);
}

inline srtp_err_status_t srtp_protect_rtcp(srtp_t s, const uint8_t* in, size_t len, uint8_t* out, size_t* outLen, size_t)
{
	return srtp3_copied<srtp_protect_rtcp>(s, in, len, out, outLen);
}

inline srtp_err_status_t srtp_unprotect_rtcp(srtp_t s, const uint8_t* in, size_t len, uint8_t* out, size_t* outLen)
{
	return srtp3_copied<srtp_unprotect_rtcp>(s, in, len, out, outLen);
}

#define srtp_policy_t srtp3_policy_t
