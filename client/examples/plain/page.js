const client = latchkey.createTypedClient({ plugins: [latchkey.authClient({ session: { refetchInterval: 60 * 5 } })] });
const at = (id) => document.getElementById(id);

client.$session.subscribe(({ data, isPending }) => {
	at("status").textContent = isPending ? "Loading..." : data ? `Welcome, ${data.user.name}!` : "Not logged in";
	at("nobody").hidden = isPending || data;
	at("somebody").hidden = !data;
});

// What was wrong is said in the form. Once one is accepted both are emptied: no password stays in the page.
function send(form, call) {
	form.onsubmit = async (event) => {
		event.preventDefault();
		const { error } = await call(Object.fromEntries(new FormData(form)));
		const proven = error || client.$session.value.data;
		form.querySelector("[role=alert]").textContent = error ? error.message : proven ? "" : "Now open the link in our mail to you.";
		if (!error) for (const each of document.forms) each.reset();
	};
}
send(at("sign-in"), (fields) => client.auth.signIn.email(fields));
send(at("sign-up"), (fields) => client.auth.signUp.email(fields));
at("sign-out").onclick = () => client.auth.signOut();
