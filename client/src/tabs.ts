// Tells the other tabs of the site that the session has changed. They learn no more than that, and ask for themselves.

type Hear = (signedOut: boolean) => void;
const SIGNED_OUT = "signed-out";
const CHANGED = "changed";

function byChannel(name: string, hear: Hear): Hear {
	const channel = new BroadcastChannel(name);
	channel.onmessage = ({ data }) => hear(data === SIGNED_OUT);
	return (signedOut) => channel.postMessage(signedOut ? SIGNED_OUT : CHANGED);
}

/** An item that is set and removed again: only a change of value is told to other tabs, hence the time in it. */
function byStorage(name: string, hear: Hear): Hear {
	addEventListener("storage", ({ key, newValue }) => {
		if (key === name && newValue) hear(newValue.startsWith(SIGNED_OUT));
	});
	return (signedOut) => {
		try {
			localStorage.setItem(name, `${signedOut ? SIGNED_OUT : CHANGED} ${Date.now()}`);
			localStorage.removeItem(name);
		} catch {
			// A browser that keeps nothing for this site: its tabs learn of it when they look next.
		}
	};
}

/** Calls `hear` when another tab tells something; what it returns tells the others. */
export function otherTabs(name: string, hear: Hear): Hear {
	try {
		return byChannel(name, hear);
	} catch {
		return byStorage(name, hear);
	}
}
