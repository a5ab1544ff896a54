/* A name for a device out of its User-Agent, for people who look through their sessions. Only words of a table here are
 * ever said: nothing of what a client sends comes out again. */
#ifndef BASE_AGENT_H
#define BASE_AGENT_H

#define AGENT_DEVICE_SIZE 48
#define AGENT_UNKNOWN "Unknown device"

/* "Firefox on Linux", "Safari on iPhone", "curl"; "Unknown device" where no rule fits; "" for "". What agent holds may
 * be any text; its first 512 bytes are looked at. */
void agent_device(const char *agent, char out[static AGENT_DEVICE_SIZE]);

#endif
