/*
 * authority.h: certificates for targets that need such as belong together: a CA, and a device's leaf with the one above it. Their keys are lost.
 */
#ifndef BERTH_FUZZ_AUTHORITY_H
#define BERTH_FUZZ_AUTHORITY_H

#define AUTHORITY                                                                                                                          \
	"MIIBXTCCAQOgAwIBAgIBATAKBggqhkjOPQQDAjAVMRMwEQYDVQQDDApQbGFudCByb290MCAXDTE2MTEyODAzMDgzOVoYDzIxMjYxMTAyMDMwOD"                   \
	"M5WjAVMRMwEQYDVQQDDApQbGFudCByb290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3P4lV33nvs7sZqd/h6NBJq2R94KoKmxIb3jy2GxR"                   \
	"FD8PPreO/6skcZz9Shaxr00U4tzrWerPMRw/QeEGJZzAT6NCMEAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQwHQYDVR0OBBYEFD"                   \
	"+GhAio2UFDYsS+IotQESGDs6qpMAoGCCqGSM49BAMCA0gAMEUCIQDIogDem6AGf3XXMep4Gd2mfTSv2Vafg3lnH5XWXKYMRAIgWiBOTz1Jf4Fy"                   \
	"LgIxqmGXEIKuOesHHvsF6gYtudVLv5Q="

#define LINE                                                                                                                               \
	"MIIBfDCCASOgAwIBAgIBAjAKBggqhkjOPQQDAjAVMRMwEQYDVQQDDApQbGFudCByb290MCAXDTE2MTEyODAzMDgzOVoYDzIxMjYxMTAyMDMwOD"                   \
	"M5WjAUMRIwEAYDVQQDDAlMaW5lIDYgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASE8CZZl4lw5lmZV5zpItB9Ri6V1BDK3cyyKj0BgqTY"                   \
	"6lmHjjP/9d6LQUi9buV49+6CS5pTMKNsGj5lAfU7shWco2MwYTAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwICBDAdBgNVHQ4EFgQU4k"                   \
	"9W6ID/2hJKkzZSeVnwTj7l88UwHwYDVR0jBBgwFoAUP4aECKjZQUNixL4ii1ARIYOzqqkwCgYIKoZIzj0EAwIDRwAwRAIgbVVjRhU8KwdMXx7m"                   \
	"yDQnUxthVqmpfD4VzEtkrgsyZbQCIE2nb5eWyL/R73HRhy+1dLLIChz+I0vwBeKr7g33PIi0"

#define LEAF                                                                                                                               \
	"MIIBfDCCASKgAwIBAgIBAzAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlMaW5lIDYgQ0EwIBcNMTYxMTI4MDMwODM5WhgPMjEyNjExMDIwMzA4Mz"                   \
	"laMBAxDjAMBgNVBAMMBWRldi0xMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaIY4Zbf9WWckdKRmBRa8fDz6etJZ4Z9jLg7G5ZsqXKIyVWb4"                   \
	"rvFgms410MK2gS/+UKrK7KVzIesT/RrICyUaDKNnMGUwDgYDVR0PAQH/BAQDAgeAMB0GA1UdDgQWBBQx9i9jEAcMylgNg5DyJPiAjWvYEjAfBg"                   \
	"NVHSMEGDAWgBTiT1bogP/aEkqTNlJ5WfBOPuXzxTATBgNVHSUEDDAKBggrBgEFBQcDAjAKBggqhkjOPQQDAgNIADBFAiEAguGPzZothizkwCKj"                   \
	"eHApnLLr+3Hm3VrSH5ESRLkSW28CIGUIwhN/zhiI/r4qjUSf4nffPJnjGqzRnHbXYHvDOfya"

#define CODE "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF" /* to be signed by the CA */

#endif
