    /** Frames about people: who joined, what they say, that they type. Returns whether it was one. */
    hearPeople(event) {
      if (event.chat_id && event.chat_id === this.leftChat && event.chat_id !== this.memory.values.chat_id) return true; // on its way when it was left
      if (event.type === "company") this.showCompany(event);
      else if (event.type === "said") this.addPerson(event.message) && this.announcePerson(event.message);
      else if (event.type === "typing") this.showTyping(event.person);
      else if (event.type === "error" && this.isOfPeople(event)) this.onPeopleError(event);
      else return false;
      return true;
    }

    isOfPeople(error) {
      return Boolean(this.askedFor) && error.request_id === (this.askedFor.frame.request_id || "");
    }

    get isWithPerson() {
      return Boolean(this.company) && this.company.state === "joined";
    }

    get isWithPeople() {
      return Boolean(this.company) && this.company.state !== "closed";
    }

    showCompany(event) {
      const before = this.company;
      if (event) this.announce("handoff", { state: event.state, reason: event.reason, person: event.person || "" });
      this.company = event && event.state !== "closed" ? event : null;
      if (this.askedFor && this.askedFor.frame.type === "person_message") this.addLine(this.words.left);
      this.askedFor = null;
      if (event) this.memory.set("chat_id", event.chat_id);
      if (event && event.state === "closed" && before && event.ended_as !== "withdrawn") this.addLine(this.words.back);
      if (event && event.state === "waiting" && before && before.state === "joined") this.addLine(this.words.gone);
      this.drawCompany();
    }

    /** The line above the input: a way to people, that one was called, or who is there. */
    drawCompany() {
      const { words, company, people } = this;
      this.typingLine.textContent = "";
      const line = (text, label, onclick) => {
        const button = label ? [build("button", { type: "button", onclick }, label)] : [];
        this.companyLine.replaceChildren(build("span", { dir: "auto" }, text), ...button);
      };
      this.companyLine.hidden = false;
      this.companyLine.classList.toggle("here", this.isWithPerson);
      if (this.isWithPerson) line(fill(words.here, { name: company.person || words.person }));
      else if (company && company.reason === "message") line(words.leftShort);
      else if (company) line(words.waiting, words.withdraw, () => this.tellPeople({ type: "person_withdraw" }));
      else if (people && (people.is_staffed || people.takes_messages)) line("", words.askPerson, () => this.askPerson());
      else this.companyLine.hidden = true;
      this.notice.textContent = this.isWithPerson ? "" : words.notice;
      this.scrollDown();
    }

    askPerson() {
      if (this.people.is_staffed) this.tellPeople({ type: "person" });
      else this.withMore("showContactForm", this.beginning);
    }

    async tellPeople(frame) {
      this.askedFor = { frame, renewed: false };
      try {
        await this.client.send(frame);
      } catch (failure) {
        this.askedFor = null;
        this.showFailure(failure, () => this.tellPeople(frame));
      }
    }

    async onPeopleError(event) {
      const { frame, renewed } = this.askedFor;
      if (CURED_BY_RENEWAL.has(event.code) && !renewed) {
        this.askedFor.renewed = true;
        this.client.token = null;
        this.client.close();
        return this.client.send(frame).catch((failure) => this.showFailure(failure, () => this.tellPeople(frame)));
      }
      this.askedFor = null;
      if (event.code === "nobody_there") {
        this.people = { ...this.people, is_staffed: false };
        this.drawCompany();
        if (this.people.takes_messages) return this.withMore("showContactForm", this.beginning);
      }
      return this.showFailure(new Failure(event.code, "", event.retryable), () => this.tellPeople(frame));
    }

    /** What a person of the bot's says; the same message may come twice. */
    addPerson(message) {
      if ([...this.log.children].some((each) => each.dataset.message === message.id)) return false;
      const who = message.author || this.words.person;
      const body = build("div", { className: "body", dir: "auto" }, renderMarkdown(message.content, () => null, this.way));
      const name = build("div", { className: "label", dir: "auto" }, who);
      this.log.append(build("article", { className: "message assistant person", "data-message": message.id }, name, body));
      this.showTyping("");
      this.scrollDown(true);
      this.noteUnread();
      return true;
    }

    addLine(text) {
      this.log.append(build("p", { className: "line", dir: this.words.dir }, text));
      this.scrollDown(true);
    }

    showTyping(name) {
      clearTimeout(this.typingTimer);
      const isOn = name !== "";
      this.typingLine.textContent = isOn ? fill(this.words.typing, { name: name || this.words.person }) : "";
      this.scrollDown();
      if (isOn) this.typingTimer = setTimeout(() => this.showTyping(""), 6000);
    }

    /** A person who is there sees that the visitor types, not what. */
    tellTyping() {
      if (!this.isWithPerson || Date.now() - (this.toldTyping || 0) < 4000 || !this.client.socket) return;
      this.toldTyping = Date.now();
      this.client.send({ type: "typing" }).catch(() => {});
    }

    /** The socket broke while people are concerned: come back, as long as they are. */
    comeBack() {
      if (!this.isWithPeople || !this.client) return;
      this.client.ready().catch(() => setTimeout(() => this.comeBack(), 15000));
    }

