    // --- A message for people, outside of business hours ---
    /** The truth about when they are there, and a form for a message; `wished` as of a panel. */
    showContactForm(wished) {
      if (wished !== this.beginning) return;
      const { words, people } = this;
      const field = (name, label, more) =>
        build("label", {}, label, build(more.rows ? "textarea" : "input", { name, dir: "auto", ...more }));
      const opens = people.opens_at ? new Date(`${people.opens_at}Z`) : null;
      const look = { weekday: "long", hour: "2-digit", minute: "2-digit" };
      const when = opens ? ` ${fill(words.opens, { when: opens.toLocaleString(this.locale, look) })}` : "";
      const form = build("form", { className: "contact-form", dir: words.dir, "aria-label": words.leave },
        build("p", {}, `${words.away}${when} ${words.leaveHint}`),
        field("contact", words.yourMail, { type: "email", required: true, maxLength: 320, autocomplete: "email" }),
        field("name", words.yourName, { type: "text", maxLength: 255, autocomplete: "name" }),
        field("message", words.yourMessage, { rows: 3, required: true, maxLength: MAX_QUESTION_LENGTH }),
        build("button", { type: "submit" }, words.leave));
      form.onsubmit = (event) => {
        event.preventDefault();
        const said = Object.fromEntries(new FormData(form));
        if (!said.message.trim()) return;
        form.remove();
        this.addUser(said.message);
        this.tellPeople({ type: "person_message", request_id: randomId(), ...said, contact: said.contact.trim() });
      };
      this.sweep(".contact-form");
      this.log.append(form);
      form.scrollIntoView({ block: "start" });
      form.querySelector("input").focus({ preventScroll: true });
    }
